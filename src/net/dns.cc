#include "net/dns.h"

#include <algorithm>
#include <ares.h>
#include <deque>
#include <optional>
#include <sys/stat.h>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "net/dns_channel.h"
#include "net/wait.h"

namespace weir::net {
namespace {

using base::ErrorCode;

base::Error error_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return {.code = ErrorCode::not_found, .what = "name does not resolve"};
    case ARES_ETIMEOUT:
      return {.code = ErrorCode::timeout, .what = "no name server answered"};
    // c-ares says the same for a port nobody listens on and for the answers REFUSED and SERVFAIL of the last server.
    case ARES_ECONNREFUSED:
    case ARES_EREFUSED:
    case ARES_ESERVFAIL:
      return {.code = ErrorCode::refused, .what = "the name servers refuse or fail"};
    case ARES_ENOMEM:
      return {.code = ErrorCode::exhausted, .what = "resolving a name"};
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return {.code = ErrorCode::cancelled, .what = "resolving a name"};
    default:
      return {.code = ErrorCode::protocol, .what = "resolving a name"};
  }
}

// Failures after which a channel may stay broken for good (envoyproxy/envoy#4543, #41718).
bool breaks_channel(int status) {
  return status == ARES_ECONNREFUSED || status == ARES_ETIMEOUT || status == ARES_EREFUSED;
}

// Tells one content of /etc/resolv.conf from another.
using FileStamp = std::tuple<ino_t, off_t, std::int64_t, std::int64_t>;
FileStamp resolv_conf_stamp() {
  struct stat status{};
  if (stat("/etc/resolv.conf", &status) != 0) return {};
  return {status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

}  // namespace

struct Resolver::State final : private TimerNode {
  // Questions under way at once. More would only be lost in the socket buffers of name servers.
  static constexpr std::size_t kMaxUnderWay = 64;

  // A name that is being asked for, and everybody who waits for it.
  struct Question {
    std::optional<base::Result<Resolution>> answer;
    std::vector<Waiter*> waiters;
  };

  explicit State(ResolverOptions given) : options(std::move(given)) {}

  std::shared_ptr<Question> ask(const std::string& host);
  void start(const std::string& host);
  void finish(const std::string& host, base::Result<Resolution> answer);
  base::Result<DnsChannel*> channel();
  void answered(const std::string& host, DnsChannel* asked, int status, Resolution&& resolution);
  void retire_channel();
  // Starts what is queued; outside of the calls of c-ares, whose channel may go.
  void on_timer() override;

  ResolverOptions options;
  std::unordered_map<std::string, std::shared_ptr<Question>> open_questions;
  std::deque<std::string> queue;  // names of questions that are not under way yet
  std::size_t under_way = 0;
  FileStamp stamp;
  std::unique_ptr<DnsChannel> current;
  std::vector<std::unique_ptr<DnsChannel>> retired;  // some questions may still be under way on them
};

Resolver::Resolver(ResolverOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Resolver::~Resolver() {
  state_->retire_channel();
  state_->retired.clear();
}

Task<base::Result<Resolution>> Resolver::resolve(std::string host, base::TimePoint deadline) {
  if (std::optional<base::IpAddress> literal = base::IpAddress::parse(host)) {
    co_return Resolution{{*literal}, base::Nanoseconds::max()};
  }
  if (host.empty() || host.find('\0') != std::string::npos) {
    co_return base::fail(ErrorCode::protocol, "resolving a name");
  }
  std::shared_ptr<State::Question> question = state_->ask(host);
  if (!question->answer) {
    Waiter waiter;
    question->waiters.push_back(&waiter);
    base::Result<void> woken = co_await waiter.wait_until(deadline);
    if (!woken) {
      std::erase(question->waiters, &waiter);
      co_return base::fail(woken.error().code, "resolving a name");
    }
  }
  co_return *question->answer;
}

std::shared_ptr<Resolver::State::Question> Resolver::State::ask(const std::string& host) {
  auto found = open_questions.find(host);
  if (found != open_questions.end()) return found->second;
  auto question = std::make_shared<Question>();
  open_questions.emplace(host, question);
  if (under_way < kMaxUnderWay) {
    start(host);
  } else {
    queue.push_back(host);
  }
  return question;
}

void Resolver::State::start(const std::string& host) {
  base::Result<DnsChannel*> asked = channel();
  if (!asked) {
    finish(host, std::unexpected(asked.error()));
    return;
  }
  ++under_way;
  (*asked)->ask(host, [this, host, asked = *asked](int status, Resolution&& resolution) {
    answered(host, asked, status, std::move(resolution));
  });
}

void Resolver::State::on_timer() {
  while (!queue.empty() && under_way < kMaxUnderWay) {
    std::string host = std::move(queue.front());
    queue.pop_front();
    start(host);
  }
}

// The channel for the next question, a new one when there is none or resolv.conf has changed.
base::Result<DnsChannel*> Resolver::State::channel() {
  std::erase_if(retired, [](const auto& channel) { return channel->outstanding() == 0; });
  if (options.servers.empty()) {
    FileStamp present = resolv_conf_stamp();
    if (present != stamp) retire_channel();
    stamp = present;
  }
  if (current == nullptr) {
    WEIR_TRY_TO(current, DnsChannel::open(options));
  }
  return current.get();
}

void Resolver::State::answered(const std::string& host, DnsChannel* asked, int status, Resolution&& resolution) {
  --under_way;
  if (!queue.empty() && !armed()) {
    Reactor& reactor = Reactor::current();
    reactor.timers().arm(*this, reactor.tick(reactor.now()));
  }
  if (status == ARES_SUCCESS && resolution.addresses.empty()) status = ARES_ENODATA;
  if (status == ARES_SUCCESS) {
    resolution.ttl = std::clamp(resolution.ttl, options.min_ttl, options.max_ttl);
    finish(host, std::move(resolution));
    return;
  }
  if (breaks_channel(status) && asked == current.get()) retire_channel();
  finish(host, std::unexpected(error_of(status)));
}

void Resolver::State::finish(const std::string& host, base::Result<Resolution> answer) {
  auto found = open_questions.find(host);
  std::shared_ptr<Question> question = std::move(found->second);
  open_questions.erase(found);
  question->answer = std::move(answer);
  for (Waiter* waiter : std::exchange(question->waiters, {})) waiter->wake();
}

void Resolver::State::retire_channel() {
  if (current != nullptr) retired.push_back(std::move(current));
}

}  // namespace weir::net
