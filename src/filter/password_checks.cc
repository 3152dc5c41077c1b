#include "filter/password_checks.h"

#include <atomic>
#include <crypt.h>
#include <openssl/crypto.h>

#include "base/cleanse.h"
#include "net/reactor.h"
#include "net/wait.h"

namespace weir::filter {

struct PasswordChecks::Check {
  Check(std::string of, std::string said, net::Reactor& asking)
      : hash(std::move(of)), password(std::move(said)), home(asking) {}
  ~Check() { base::cleanse(password); }
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

  std::string hash;
  std::string password;
  net::Reactor& home;
  std::atomic<bool> is_wanted{true};
  // -- the asking reactor's thread
  net::Waiter* waiter = nullptr;  // null: nobody waits any more
  bool matches = false;
};

namespace {

bool is_password_of(const std::string& hash, const std::string& password) {
  // crypt() takes texts that end at a byte of zero.
  if (password.find('\0') != std::string::npos) return false;
  auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  bool same = made != nullptr && hash.size() == std::char_traits<char>::length(made) &&
              CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  base::cleanse(data.get(), sizeof(crypt_data));
  return same;
}

}  // namespace

PasswordChecks::~PasswordChecks() {
  std::lock_guard lock(mutex_);
  waiting_.clear();
}

void PasswordChecks::start() {
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

bool PasswordChecks::post(std::shared_ptr<Check> check) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) return false;
    waiting_.push_back(std::move(check));
  }
  changed_.notify_one();
  return true;
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
    bool matches = is_password_of(check->hash, check->password);
    net::Reactor& home = check->home;
    home.post([check = std::move(check), matches] {
      check->matches = matches;
      if (check->waiter != nullptr) check->waiter->wake();
    });
  }
}

net::Task<base::Result<bool>> PasswordChecks::matches(std::string hash, std::string password,
                                                      base::TimePoint deadline) {
  auto check = std::make_shared<Check>(std::move(hash), std::move(password), net::Reactor::current());
  net::Waiter waiter;
  check->waiter = &waiter;
  if (!post(check)) {
    co_return std::unexpected(base::Error{
        .code = base::ErrorCode::exhausted, .side = base::Side::ours, .what = "too many passwords wait to be checked"});
  }
  base::Result<void> woken = co_await waiter.wait_until(deadline);
  check->waiter = nullptr;
  check->is_wanted = false;
  if (!woken) co_return std::unexpected(woken.error().on(base::Side::ours));
  co_return check->matches;
}

}  // namespace weir::filter
