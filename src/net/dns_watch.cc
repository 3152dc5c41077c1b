#include "net/dns_watch.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "net/wait.h"

namespace weir::net {

NameWatch::NameWatch(Resolver& resolver, NameWatchOptions options, Changed changed)
    : resolver_(resolver), options_(options), changed_(std::move(changed)) {}

void NameWatch::set_names(const std::vector<std::string>& hosts) {
  std::set<std::string> wanted(hosts.begin(), hosts.end());
  for (auto at = names_.begin(); at != names_.end();) {
    if (wanted.contains(at->first)) {
      ++at;
      continue;
    }
    at->second->wanted = false;
    if (at->second->context != nullptr) at->second->context->cancel();
    at = names_.erase(at);
  }
  for (const std::string& host : wanted) {
    auto [place, is_new] = names_.try_emplace(host);
    if (!is_new) continue;
    place->second = std::make_shared<Name>();
    place->second->host = host;
    followers_.spawn(follow(place->second));
  }
}

const std::vector<base::IpAddress>* NameWatch::addresses(const std::string& host) const {
  auto found = names_.find(host);
  if (found == names_.end() || found->second->addresses.empty()) return nullptr;
  return &found->second->addresses;
}

const base::Error* NameWatch::error(const std::string& host) const {
  auto found = names_.find(host);
  return found == names_.end() || !found->second->error ? nullptr : &*found->second->error;
}

Task<void> NameWatch::close() {
  names_.clear();
  followers_.cancel();
  co_await followers_.join();
}

Task<void> NameWatch::follow(std::shared_ptr<Name> name) {
  TaskContext& context = co_await this_context();
  name->context = &context;
  base::Nanoseconds retry = options_.retry_min;
  base::Nanoseconds wait{0};
  while (true) {
    base::Result<void> slept = co_await sleep_for(wait);
    if (!slept || !name->wanted) break;
    base::TimePoint deadline = Reactor::current().now() + options_.timeout;
    base::Result<Resolution> found = co_await resolver_.resolve(name->host, deadline);
    if (!name->wanted || context.cancelled()) break;
    wait = take(*name, std::move(found), retry);
    if (wait == base::Nanoseconds::max()) break;
  }
  name->context = nullptr;
}

base::Nanoseconds NameWatch::take(Name& name, base::Result<Resolution> found, base::Nanoseconds& retry) {
  if (!found) {
    bool first_in_a_row = retry == options_.retry_min;
    if (first_in_a_row) {
      base::log_warning("dns: {}: {}{}", name.host, base::cause(found.error()),
                        name.addresses.empty() ? "" : "; the last answer stays in use");
    }
    base::Nanoseconds wait = with_jitter(retry);
    retry = std::min<base::Nanoseconds>(retry * 2, options_.retry_max);
    bool is_news = !name.error || name.error->code != found.error().code;
    name.error = found.error();
    if (is_news) tell(name);
    return wait;
  }
  retry = options_.retry_min;
  base::Nanoseconds ttl = found->ttl;
  bool is_news = name.error || found->addresses != name.addresses;
  name.error.reset();
  name.addresses = std::move(found->addresses);
  if (is_news) tell(name);
  return ttl == base::Nanoseconds::max() ? ttl : with_jitter(ttl);
}

void NameWatch::tell(const Name& name) {
  // A copy: the callee may change the set of names.
  std::vector<base::IpAddress> addresses = name.addresses;
  changed_(name.host, addresses);
}

base::Nanoseconds NameWatch::with_jitter(base::Nanoseconds duration) {
  auto tenth = static_cast<std::uint64_t>(std::max<base::Nanoseconds::rep>(duration.count() / 10, 1));
  return duration + base::Nanoseconds(static_cast<base::Nanoseconds::rep>(random_.below(tenth)));
}

}  // namespace weir::net
