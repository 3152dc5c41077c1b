#include "api/admin_server.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/cleanse.h"
#include "base/text.h"
#include "http/h1_body.h"
#include "http/h1_codec.h"
#include "http/head_writer.h"
#include "http/status.h"
#include "net/drop_rest.h"
#include "net/listener.h"

namespace weir::api {

using base::ErrorCode;
using std::chrono::seconds;

namespace {

constexpr std::size_t kMaxConnections = 256;
constexpr std::size_t kKeptForLocal = 8;  // the share of one in so many
constexpr std::size_t kMaxStreams = 64;
constexpr std::size_t kStreamsShare = 4;       // and at most the share of one in so many
constexpr std::size_t kMostFromStream = 4096;  // a client of events has nothing more to say
constexpr auto kHeadTimeout = seconds(10);
constexpr auto kBodyTimeout = seconds(30);
constexpr auto kIdleTimeout = seconds(60);
constexpr auto kWriteTimeout = seconds(30);
constexpr auto kEventPause = seconds(15);
constexpr net::RestBounds kRest{.time = seconds(1), .bytes = kMaxBodyBytes};
constexpr http::HeadLimits kLimits{};

std::string all_values(const http::HeaderMap& headers, std::string_view name) {
  std::string joined;
  for (const http::HeaderField& field : headers) {
    if (!base::equal_ignoring_case(field.name, name)) continue;
    if (!joined.empty()) joined += ", ";
    joined += field.value;
  }
  return joined;
}

ApiResponse plain_refusal(int status, std::string_view detail) {
  std::string body = fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":")",
                                 http::reason_phrase(static_cast<std::uint16_t>(status)), status);
  base::append_json_escaped(body, detail);
  body += "\"}";
  return {.status = status, .headers = {{"content-type", "application/problem+json"}}, .body = std::move(body)};
}

std::pair<dev_t, ino_t> inode_of(const std::string& path) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

}  // namespace

struct AdminServer::Connection {
  net::TcpStream stream;
  std::string peer;
  bool is_local = false;
  std::string unread;  // bytes that belong to the next request
};

// A client of /events.
struct AdminServer::Stream {
  net::Waiter* waiter = nullptr;  // while nothing is to be sent
  bool gone = false;
};

namespace {

// In the list while it lives.
template <typename T>
class Listed {
 public:
  Listed(std::vector<T*>& list, T& object) : list_(list), object_(object) { list_.push_back(&object_); }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() { std::erase(list_, &object_); }

 private:
  std::vector<T*>& list_;
  T& object_;
};

// Counts while it lives.
class RemoteConnection {
 public:
  explicit RemoteConnection(std::size_t* count) : count_(count) {
    if (count_ != nullptr) ++*count_;
  }
  RemoteConnection(const RemoteConnection&) = delete;
  RemoteConnection& operator=(const RemoteConnection&) = delete;
  ~RemoteConnection() {
    if (count_ != nullptr) --*count_;
  }

 private:
  std::size_t* count_;
};

}  // namespace

AdminServer::AdminServer(Api& api, control::EventLog& events, std::size_t max_connections)
    : api_(api), events_(events), max_connections_(std::min(max_connections, kMaxConnections)) {
  events_.on_append([this] { wake_streams(); });
}

AdminServer::~AdminServer() {
  events_.on_append({});
  // Another Weir may have taken the path over.
  if (!unix_path_.empty() && inode_of(unix_path_) == unix_inode_) unlink(unix_path_.c_str());
}

base::Result<void> AdminServer::open(const std::string& listen) {
  constexpr std::string_view kUnix = "unix:";
  if (listen.starts_with(kUnix)) {
    std::string path = listen.substr(kUnix.size());
    base::Result<int> fd = net::listen_unix(path);
    if (!fd) return std::unexpected(fd.error());
    unix_path_ = path;
    unix_inode_ = inode_of(path);
    address_ = listen;
    listening_.emplace(*fd);
    return {};
  }
  std::optional<base::SocketAddress> address = base::SocketAddress::parse(listen);
  if (!address) return base::fail(ErrorCode::io, "the admin address is neither host:port nor unix:/path");
  base::Result<int> fd = net::listen_tcp(*address, {});
  if (!fd) return std::unexpected(fd.error());
  address_ = net::local_address(*fd).to_string();
  listening_.emplace(*fd);
  return {};
}

void AdminServer::serve() {
  acceptors_.spawn(accept(std::move(*listening_), !unix_path_.empty()));
  listening_.reset();
}

net::Task<void> AdminServer::close() {
  listening_.reset();
  acceptors_.cancel();
  connections_.cancel();
  co_await acceptors_.join();
  co_await connections_.join();
}

net::Task<void> AdminServer::accept(net::Listener listener, bool is_unix) {
  while (true) {
    auto socket = co_await listener.accept();
    if (!socket) {
      if (socket.error().code == ErrorCode::cancelled) co_return;
      base::Result<void> slept = co_await net::sleep_for(std::chrono::milliseconds(100));
      if (!slept) co_return;
      continue;
    }
    bool is_local = is_unix || socket->peer.ip.is_loopback();
    if (!make_room(is_local)) {
      ::close(socket->fd);
      continue;
    }
    try {
      std::string peer = is_unix ? std::string("unix") : socket->peer.to_string();
      connections_.spawn(serve_connection(socket->fd, std::move(peer), is_local));
    } catch (const std::bad_alloc&) {
      ::close(socket->fd);  // nobody has begun to serve it
    }
  }
}

// A connection that waits is told to end, and does so in the next round: for so long there may be one too many.
bool AdminServer::make_room(bool is_local) {
  bool full = connections_.size() >= max_connections_;
  bool full_of_remote = !is_local && remote_connections_ >= max_connections_ - max_connections_ / kKeptForLocal;
  if (!full && !full_of_remote) return true;
  auto goes = std::ranges::find_if(waiting_, [&](const Connection* other) { return is_local || !other->is_local; });
  if (goes == waiting_.end()) return false;
  (*goes)->stream.shut_down();
  waiting_.erase(goes);
  return true;
}

net::Task<void> AdminServer::serve_connection(int fd, std::string peer, bool is_local) {
  Connection connection{
      .stream = net::TcpStream::adopt(fd), .peer = std::move(peer), .is_local = is_local, .unread = {}};
  RemoteConnection counted(is_local ? nullptr : &remote_connections_);
  bool keep = true;
  while (keep) keep = co_await serve_one(connection);
}

net::Task<bool> AdminServer::serve_one(Connection& connection) {
  ApiRequest request;
  base::CleanseAtExit token(request.authorization);
  base::CleanseAtExit body(request.body);  // private keys come this way
  bool keep = true;
  bool understood = co_await read_request(connection, request, keep);
  if (!understood) co_return false;
  ApiResponse response = co_await api_.handle(request);
  bool streams = response.events_after.has_value() && request.method != "HEAD";
  std::size_t most_streams = std::min(kMaxStreams, max_connections_ / kStreamsShare);
  if (streams && streams_.size() >= most_streams) {
    response = plain_refusal(503, fmt::format("{} streams of events are open, which is the limit", most_streams));
    response.headers.emplace_back("retry-after", "5");
    streams = false;
  }
  bool sent = co_await respond(connection, response, request.method == "HEAD", keep && !streams);
  if (!sent) co_return false;
  if (streams) co_return co_await stream_events(connection, *response.events_after);
  co_return keep;
}

// False when the connection is to be closed; an answer has been sent then if there was anything to answer.
net::Task<bool> AdminServer::read_request(Connection& connection, ApiRequest& request, bool& keep) {
  std::string bytes = std::move(connection.unread);
  base::CleanseAtExit cleansed(bytes);
  connection.unread.clear();
  net::Reactor& reactor = net::Reactor::current();
  base::TimePoint deadline = reactor.now() + (bytes.empty() ? kIdleTimeout : kHeadTimeout);
  base::Buffer buffer = base::Buffer::small();
  http::RequestHead head;
  http::Parsed parsed;
  std::optional<Listed<Connection>> waiting(std::in_place, waiting_, connection);
  while (true) {
    if (!bytes.empty()) parsed = http::parse_request_head(bytes, kLimits, head);
    if (parsed.state == http::Parsed::State::complete) break;
    if (parsed.state == http::Parsed::State::invalid) {
      co_await respond(connection, plain_refusal(parsed.status, parsed.what), false, false);
      co_return false;
    }
    base::Result<std::size_t> got = co_await connection.stream.read({buffer.data(), buffer.capacity()}, deadline);
    if (!got || *got == 0) co_return false;
    if (bytes.empty()) deadline = reactor.now() + kHeadTimeout;
    bytes.append(buffer.data(), *got);
  }
  waiting.reset();
  keep = head.keep_alive;
  request = ApiRequest{.method = std::string(head.method),
                       .path = std::string(head.path),
                       .query = std::string(head.query),
                       .host = std::string(head.authority),
                       .origin = all_values(head.headers, "origin"),
                       .if_match = all_values(head.headers, "if-match"),
                       .if_none_match = all_values(head.headers, "if-none-match"),
                       .accept = all_values(head.headers, "accept"),
                       .authorization = all_values(head.headers, "authorization"),
                       .content_type = all_values(head.headers, "content-type"),
                       .last_event_id = all_values(head.headers, "last-event-id"),
                       .body = {},
                       .peer = connection.peer,
                       .peer_is_local = connection.is_local};
  bool last = head.body.kind == http::BodyFraming::Kind::none;
  // Nothing is read for a caller who may not send it.
  if (!last) {
    if (std::optional<ApiResponse> refusal = api_.refusal(request)) {
      co_await refuse(connection, *refusal);
      co_return false;
    }
  }
  bool too_large = head.body.kind == http::BodyFraming::Kind::length && head.body.length > kMaxBodyBytes;
  if (head.expects_continue && !too_large) {
    base::Result<void> sent = co_await connection.stream.write("HTTP/1.1 100 Continue\r\n\r\n", kWriteTimeout);
    if (!sent) co_return false;
  }
  http::H1BodyReader body;
  body.start(head.body, std::string_view(bytes).substr(parsed.consumed));
  base::TimePoint body_deadline = reactor.now() + kBodyTimeout;
  while (!last && !too_large) {
    base::Result<http::BodyPiece> piece = co_await body.read(connection.stream, buffer, body_deadline);
    if (!piece) {
      if (piece.error().code == ErrorCode::protocol) {
        co_await respond(connection, plain_refusal(400, piece.error().what), false, false);
      }
      co_return false;
    }
    request.body += piece->data;
    last = piece->last;
    too_large = request.body.size() > kMaxBodyBytes;
  }
  if (too_large) {
    co_await refuse(connection, plain_refusal(413, "The body is larger than 1 MB."));
    co_return false;
  }
  connection.unread = std::string(body.leftover());
  co_return true;
}

// Answers while the body, or the rest of it, is under way.
net::Task<void> AdminServer::refuse(Connection& connection, const ApiResponse& response) {
  bool sent = co_await respond(connection, response, false, false);
  if (sent) co_await net::drop_rest(connection.stream, kRest);
}

net::Task<bool> AdminServer::respond(Connection& connection, const ApiResponse& response, bool head_only, bool keep) {
  auto status = static_cast<std::uint16_t>(response.status);
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, http::reason_phrase(status));
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!response.events_after && status != 204 && status != 304)
    head += fmt::format("content-length: {}\r\n", response.body.size());
  if (!keep) head += "connection: close\r\n";
  head += "\r\n";
  std::array<std::string_view, 2> parts{head, head_only ? std::string_view() : std::string_view(response.body)};
  net::WriteOperation write = connection.stream.write(parts, kWriteTimeout);
  base::Result<void> written = co_await write;
  co_return written.has_value();
}

// Server-sent events until the client goes; never true, as the connection cannot be used again.
net::Task<bool> AdminServer::stream_events(Connection& connection, std::uint64_t after) {
  Stream stream;
  Listed<Stream> listed(streams_, stream);
  net::TaskGroup watching;
  try {
    watching.spawn(watch(connection, stream));
    co_await send_events(connection, stream, after);
  } catch (const std::bad_alloc&) {
    // The client asks again for what follows its last event.
  }
  watching.cancel();
  co_await watching.join();
  co_return false;
}

net::Task<void> AdminServer::send_events(Connection& connection, Stream& stream, std::uint64_t after) {
  while (!stream.gone) {
    std::string text;
    for (const control::Event& event : events_.after(after)) {
      text += events_.to_sse(event);
      after = event.number;
    }
    if (text.empty()) {
      net::Waiter waiter;
      stream.waiter = &waiter;
      base::Result<void> woken = co_await waiter.wait_until(net::Reactor::current().now() + kEventPause);
      stream.waiter = nullptr;
      if (!woken && woken.error().code == ErrorCode::cancelled) co_return;
      if (!woken) text = ": nothing new\n\n";
    }
    if (text.empty()) continue;
    base::Result<void> written = co_await connection.stream.write(text, kWriteTimeout);
    if (!written) co_return;
  }
}

// Until the client ends the connection, or says more than it may.
net::Task<void> AdminServer::watch(Connection& connection, Stream& stream) {
  std::array<char, 256> unwanted;
  std::size_t total = 0;
  while (total < kMostFromStream) {
    base::Result<std::size_t> got = co_await connection.stream.read(unwanted, base::TimePoint::max());
    if (!got || *got == 0) break;
    total += *got;
  }
  stream.gone = true;
  if (stream.waiter != nullptr) stream.waiter->wake();
}

void AdminServer::wake_streams() {
  for (Stream* stream : streams_) {
    if (stream->waiter != nullptr) stream->waiter->wake();
  }
}

}  // namespace weir::api
