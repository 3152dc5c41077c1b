#include "net/dns_channel.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace weir::net {
namespace {

// c-ares keeps process-wide state that must be set up once, before the first channel.
int start_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

Resolution to_resolution(const ares_addrinfo& found) {
  Resolution resolution;
  int ttl = std::numeric_limits<int>::max();
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::copy_n(reinterpret_cast<const char*>(node->ai_addr), node->ai_addrlen, reinterpret_cast<char*>(&storage));
    resolution.addresses.push_back(base::SocketAddress::from(storage).ip);
    ttl = std::min(ttl, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* alias = found.cnames; alias != nullptr; alias = alias->next) {
    ttl = std::min(ttl, alias->ttl);
  }
  std::ranges::sort(resolution.addresses, [](const base::IpAddress& a, const base::IpAddress& b) {
    return a.is_v6() != b.is_v6() ? b.is_v6() : a < b;
  });
  auto repeated = std::ranges::unique(resolution.addresses);
  resolution.addresses.erase(repeated.begin(), repeated.end());
  resolution.ttl = std::chrono::seconds(std::max(ttl, 0));
  return resolution;
}

}  // namespace

struct DnsChannel::Question {
  DnsChannel& channel;
  Answered answered;
};

DnsChannel::DnsChannel() : sockets_(epoll_create1(EPOLL_CLOEXEC)) {
  WEIR_ASSERT(sockets_ >= 0);
  descriptor_ = Descriptor::open(sockets_);
  descriptor_->wait_readable(*this, kNever);
}

base::Result<std::unique_ptr<DnsChannel>> DnsChannel::open(const ResolverOptions& options) {
  if (start_library() != ARES_SUCCESS) return base::fail(base::ErrorCode::io, "starting c-ares");
  std::unique_ptr<DnsChannel> channel(new DnsChannel());
  ares_options settings{};
  settings.timeout = static_cast<int>(options.try_timeout.count());
  settings.tries = options.tries;
  settings.sock_state_cb = &DnsChannel::on_socket_state;
  settings.sock_state_cb_data = channel.get();
  int given = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel->channel_, &settings, given) != ARES_SUCCESS) {
    channel->channel_ = nullptr;
    return base::fail(base::ErrorCode::io, "opening a c-ares channel");
  }
  if (!options.servers.empty() &&
      ares_set_servers_ports_csv(channel->channel_, options.servers.c_str()) != ARES_SUCCESS) {
    return base::fail(base::ErrorCode::protocol, "addresses of the name servers");
  }
  return channel;
}

DnsChannel::~DnsChannel() {
  if (channel_ != nullptr) ares_destroy(channel_);
  descriptor_->stop_waiting_readable();
  descriptor_->close();
}

void DnsChannel::ask(const std::string& name, Answered answered) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ++outstanding_;
  auto question = std::make_unique<Question>(*this, std::move(answered));
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &DnsChannel::on_answer, question.release());
  rearm();
}

void DnsChannel::on_answer(void* argument, int status, int, ares_addrinfo* found) {
  std::unique_ptr<Question> question(static_cast<Question*>(argument));
  std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(found, &ares_freeaddrinfo);
  --question->channel.outstanding_;
  Resolution resolution;
  if (status == ARES_SUCCESS && found != nullptr) resolution = to_resolution(*found);
  question->answered(status, std::move(resolution));
}

void DnsChannel::on_socket_state(void* argument, ares_socket_t socket, int readable, int writable) {
  auto* self = static_cast<DnsChannel*>(argument);
  if (readable == 0 && writable == 0) {
    epoll_ctl(self->sockets_, EPOLL_CTL_DEL, socket, nullptr);
    return;
  }
  epoll_event event{};
  event.events = (readable != 0 ? EPOLLIN : 0u) | (writable != 0 ? EPOLLOUT : 0u);
  event.data.fd = socket;
  if (epoll_ctl(self->sockets_, EPOLL_CTL_MOD, socket, &event) != 0) {
    epoll_ctl(self->sockets_, EPOLL_CTL_ADD, socket, &event);
  }
}

void DnsChannel::on_ready() {
  // A bound, lest a socket that c-ares leaves unread keeps the reactor here; the rest is for the timer.
  constexpr int kRounds = 64;
  descriptor_->readable = false;
  std::array<epoll_event, 16> events;
  for (int round = 0; round < kRounds; ++round) {
    int count = epoll_wait(sockets_, events.data(), events.size(), 0);
    if (count <= 0) {
      rearm();
      return;
    }
    for (int i = 0; i < count; ++i) {
      bool readable = (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
      bool writable = (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
      int socket = events[i].data.fd;
      ares_process_fd(channel_, readable ? socket : ARES_SOCKET_BAD, writable ? socket : ARES_SOCKET_BAD);
    }
  }
  Reactor& reactor = Reactor::current();
  reactor.timers().arm(*this, reactor.tick(reactor.now()) + 1);
}

void DnsChannel::on_timer() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  on_ready();
}

void DnsChannel::rearm() {
  Reactor& reactor = Reactor::current();
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    reactor.timers().disarm(*this);
    return;
  }
  base::TimePoint when = base::now() + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  reactor.timers().arm(*this, reactor.tick(when));
}

}  // namespace weir::net
