#include "filter/password_checks.h"

#include <algorithm>
#include <atomic>
#include <crypt.h>
#include <new>
#include <openssl/crypto.h>
#include <optional>

#include "base/cleanse.h"
#include "net/reactor.h"
#include "net/wait.h"

namespace weir::filter {

struct PasswordChecks::Check {
  enum class Outcome : std::uint8_t { differs, matches, not_hashed };

  Check(Question asked, net::Reactor& asking) : question(std::move(asked)), home(asking) {}
  ~Check() { base::cleanse(question.password); }
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

  Question question;
  net::Reactor& home;
  std::atomic<bool> is_wanted{true};
  // -- the asking reactor's thread
  net::Waiter* waiter = nullptr;  // null: nobody waits any more
  Outcome outcome = Outcome::not_hashed;
};

namespace {

// crypt(3) says by null or by a text that begins with '*' that it could not do it: yescrypt needs 16 MB and more.
std::optional<bool> is_password_of(const std::string& hash, const std::string& password) {
  // crypt() takes texts that end at a byte of zero.
  if (password.find('\0') != std::string::npos) return false;
  auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  std::optional<bool> matches;
  if (made != nullptr && made[0] != '*') {
    matches = hash.size() == std::char_traits<char>::length(made) && CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  }
  base::cleanse(data.get(), sizeof(crypt_data));
  return matches;
}

std::unexpected<base::Error> refused(const char* why) {
  return std::unexpected(base::Error{.code = base::ErrorCode::exhausted, .side = base::Side::ours, .what = why});
}

}  // namespace

PasswordChecks::~PasswordChecks() {
  std::lock_guard lock(mutex_);
  waiting_.clear();
}

void PasswordChecks::start() {
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

const char* PasswordChecks::post(const std::shared_ptr<Check>& check) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) return "too many passwords wait to be checked";
    // One client that tries passwords leaves room and time for the others.
    auto of_client = std::ranges::count_if(waiting_, [&](const std::shared_ptr<Check>& other) {
      return other->question.client == check->question.client;
    });
    if (static_cast<std::size_t>(of_client) >= kMostOfClient) {
      return "too many passwords of this client wait to be checked";
    }
    waiting_.push_back(check);
  }
  changed_.notify_one();
  return nullptr;
}

void PasswordChecks::answer(const std::shared_ptr<Check>& check) {
  std::optional<bool> matches = is_password_of(check->question.hash, check->question.password);
  Check::Outcome outcome = Check::Outcome::not_hashed;
  if (matches) outcome = *matches ? Check::Outcome::matches : Check::Outcome::differs;
  check->home.post([check, outcome] {
    check->outcome = outcome;
    if (check->waiter != nullptr) check->waiter->wake();
  });
}

void PasswordChecks::run(const std::stop_token& stop) {
  while (true) {
    std::shared_ptr<Check> check;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      check = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (!check->is_wanted.load()) continue;
    try {
      answer(check);
    } catch (const std::bad_alloc&) {
      // Whoever waits is answered when the deadline has passed.
    }
  }
}

net::Task<base::Result<bool>> PasswordChecks::matches(Question question, base::TimePoint deadline) {
  question.client = question.client.subscriber();
  auto check = std::make_shared<Check>(std::move(question), net::Reactor::current());
  net::Waiter waiter;
  check->waiter = &waiter;
  if (const char* why = post(check)) co_return refused(why);
  base::Result<void> woken = co_await waiter.wait_until(deadline);
  check->waiter = nullptr;
  check->is_wanted = false;
  if (!woken) co_return std::unexpected(woken.error().on(base::Side::ours));
  if (check->outcome == Check::Outcome::not_hashed)
    co_return refused("the password could not be hashed: memory is short");
  co_return check->outcome == Check::Outcome::matches;
}

}  // namespace weir::filter
