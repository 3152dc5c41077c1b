#include "health/probe_stream.h"

#include <algorithm>
#include <span>

#include "base/free_list.h"
#include "health/probe_connection.h"
#include "net/drop_rest.h"

namespace weir::health {
namespace {

// The probe ends its side first and gives the server this long to end its own.
constexpr net::RestBounds kGoodbye{.time = std::chrono::milliseconds(100), .bytes = 4096};

}  // namespace

ProbeStream::ProbeStream(const CheckTarget& target)
    : target_(target), began_(base::now()), deadline_(net::Reactor::current().now() + target.timeout) {}

net::Task<Probed> ProbeStream::open() {
  base::Result<net::TcpStream> stream = co_await connect_to(target_, deadline_);
  if (!stream) co_return failed(stream.error(), "connect", "the connection", target_.timeout);
  stream_ = *std::move(stream);
  co_return Probed();
}

net::Task<Probed> ProbeStream::secure(std::vector<std::string> protocols) {
  if (target_.tls == nullptr) co_return Probed();
  co_return co_await make_secure(stream_, target_, std::move(protocols), deadline_);
}

net::Task<Probed> ProbeStream::send(std::string_view bytes, std::string_view awaited) {
  base::Nanoseconds left = deadline_ - net::Reactor::current().now();
  base::Result<void> written = co_await stream_.write(bytes, left);
  if (!written) co_return failed(written.error(), "write", awaited, target_.timeout);
  co_return Probed();
}

net::Task<Probed> ProbeStream::receive(std::string_view awaited, std::size_t most) {
  if (read_ >= kLimitBytes) co_return failed("the response is longer than 64 KB");
  base::Buffer buffer = base::Buffer::small();
  std::span<char> room(buffer.data(), std::min({buffer.capacity(), most, kLimitBytes - read_}));
  base::Result<std::size_t> got = co_await stream_.read(room, deadline_);
  if (!got) co_return failed(got.error(), "read", awaited, target_.timeout);
  received_.append(buffer.data(), *got);
  read_ += *got;
  at_end_ = *got == 0;
  co_return Probed();
}

net::Task<void> ProbeStream::close() {
  if (stream_) co_await net::drop_rest(stream_, kGoodbye);
  stream_.close();
}

}  // namespace weir::health
