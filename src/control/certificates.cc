#include "control/certificates.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "control/certificate_loader.h"

namespace weir::control {
namespace {

bool speaks_tls(const config::Listener& listener) {
  return listener.protocol == config::ListenerProtocol::https ||
         (listener.protocol == config::ListenerProtocol::tcp && listener.tls.has_value());
}

// No name of a pool has a line break.
std::string key_of_probes(const config::Pool& pool) { return pool.name + "\nhealth_check"; }

}  // namespace

config::Faults Certificates::Loader::load(State& state) {
  for (const config::Certificate& named : wanted_.certificates) {
    load_pair(state, named, "certificates." + named.name);
  }
  for (const auto& [name, certificate] : made_) load_made(state, *certificate);
  for (const config::Listener& listener : wanted_.listeners) {
    if (speaks_tls(listener)) load_listener(state, listener);
  }
  for (const config::Pool& pool : wanted_.pools) {
    if (pool.tls && pool.tls->enabled) load_pool(state, pool, *pool.tls, pool.name, "tls");
    const std::optional<config::PoolTls>& probing = pool.health_check.tls;
    if (probing && probing->enabled) load_pool(state, pool, *probing, key_of_probes(pool), "health_check.tls");
  }
  load_ticket_keys(state);
  if (wanted_.tls.ocsp) collect_to_staple(state);
  return std::move(faults_);
}

Certificates::Certificates(Options options) : options_(std::move(options)) {}

config::Faults Certificates::prepare(const Effective& wanted, Reading reading) {
  next_.emplace(State());
  config::Faults faults = Loader(*this, wanted, reading).load(*next_);
  if (!faults.empty()) next_.reset();
  return faults;
}

void Certificates::accept() {
  if (!next_) return;
  if (next_->ticket_keys && next_->ticket_keys != now_.ticket_keys) tickets_->replace(*next_->ticket_keys);
  now_ = std::move(*next_);
  next_.reset();
  started_ = true;
  files_.forget_unused();
  if (!now_.to_staple.empty() && fetcher_ == nullptr) fetcher_ = std::make_unique<OcspFetcher>();
  if (fetcher_ != nullptr) fetcher_->follow(now_.to_staple, now_.ocsp_folder);
  ends_looked_at_.reset();
}

std::shared_ptr<const tls::ServerContexts> Certificates::of_listener(const std::string& name) const {
  auto found = now_.listeners.find(name);
  return found == now_.listeners.end() ? nullptr : found->second.contexts;
}

std::shared_ptr<const tls::ClientContexts> Certificates::of_pool(const config::Pool& pool) const {
  auto found = now_.of_pool.find(pool.name);
  if (!pool.tls || !pool.tls->enabled || found == now_.of_pool.end()) return nullptr;
  return found->second->contexts;
}

std::shared_ptr<const tls::ClientContexts> Certificates::of_probes(const config::Pool& pool) const {
  if (!pool.health_check.tls) return of_pool(pool);
  auto found = now_.of_pool.find(key_of_probes(pool));
  if (!pool.health_check.tls->enabled || found == now_.of_pool.end()) return nullptr;
  return found->second->contexts;
}

// Once each when 30, 7 and 1 days are left, and every day when it is too late.
void Certificates::warn_of_ends() {
  constexpr std::int64_t kDay = 86'400;
  constexpr std::array<std::int64_t, 3> kDays{1, 7, 30};
  for (const auto& [name, certificate] : now_.certificates) {
    std::int64_t left = certificate->not_after - options_.unix_time();
    auto mark = std::ranges::find_if(kDays, [&](std::int64_t days) { return left <= days * kDay; });
    if (mark == kDays.end()) continue;
    std::int64_t stage = left <= 0 ? left / kDay - 1 : *mark;
    auto [warned, is_new] = warned_.try_emplace(certificate->fingerprint, stage);
    if (!is_new && std::exchange(warned->second, stage) == stage) continue;
    if (left <= 0) {
      base::log_error("certificate {} for {} has expired; clients do not accept it", name, certificate->subject);
    } else {
      bool hours = left < 2 * kDay;
      base::log_warning("certificate {} for {} expires in {} {}", name, certificate->subject,
                        hours ? left / 3600 : left / kDay, hours ? "hours" : "days");
    }
  }
}

void Certificates::tick(base::TimePoint now) {
  if (!ends_looked_at_ || now - *ends_looked_at_ >= std::chrono::hours(1)) {
    ends_looked_at_ = now;
    warn_of_ends();
  }
  if (!rotated_) rotated_ = now;
  if (now_.ticket_keys || now - *rotated_ < now_.ticket_rotation) return;
  rotated_ = now;
  tickets_->rotate();
}

}  // namespace weir::control
