// The checks of single objects, shared by validate()'s overloads. Inside this folder only.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/ip.h"
#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"
#include "config/text_rules.h"

namespace weir::config {

// Where a check is in the configuration; collects its faults. The parent's strings are copied, the rest is borrowed.
class Place {
 public:
  explicit Place(Faults& faults, const Origin* origin = nullptr) : faults_(faults), origin_(origin) {}
  // `origin` is null when the part has none of its own.
  Place in(std::string_view key, const Origin* origin) const {
    Place inner(faults_, origin == nullptr ? origin_ : origin);
    inner.path_ = join(key);
    return inner;
  }
  // `key` may be a path of its own ("match.host[0]"), or empty for the object itself.
  void fault(std::string_view key, std::string message) const {
    faults_.push_back({origin_ == nullptr ? Origin() : *origin_, join(key), std::move(message)});
  }

 private:
  std::string join(std::string_view key) const {
    if (path_.empty() || key.empty()) return path_ + std::string(key);
    return path_ + "." + std::string(key);
  }
  Faults& faults_;
  const Origin* origin_;
  std::string path_;
};

void check_pool(const Place& place, const Pool& pool);
void check_backend(const Place& place, const Backend& backend);
void check_listener(const Place& place, const Listener& listener);
// The keys that a listener with protocol udp must and must not have, and that no other has `udp`.
void check_udp(const Place& place, const Listener& listener);
void check_tls(const Place& place, const ListenerTls& tls, ListenerProtocol protocol);
void check_tls(const Place& place, const PoolTls& tls, PoolProtocol protocol);
void check_certificate(const Place& place, const Certificate& certificate);
// The keys that tcp and tls listeners must and must not have, and those of all listeners about connections.
void check_connections(const Place& place, const Listener& listener);
// That pools which only listeners without requests use have no method that needs requests.
void check_stickiness(const Place& root, const Config& config, std::span<const KindEntry> methods);
// That filters are where requests are, and each is said once.
void check_filters(const Place& place, const Listener& listener);
// That routes which redirect have no filters of their own that have no effect there.
void check_filters_of_redirects(const Place& root, const Config& config, const Kinds& kinds);
void check_route(const Place& place, const Route& route);
// By check_name() of validate.h.
void check_name(const Place& place, std::string_view key, std::string_view name);

// A guess at the meaning of a malformed address: "; write it without 'http://'"; empty when there is none.
std::string address_hint(std::string_view address);
// Whether RE2 takes the expression.
base::Checked<void> check_regex(std::string_view expression);
// Whether `substitution` can replace matches of `expression`, or names a group that it does not have.
base::Checked<void> check_substitution(std::string_view expression, std::string_view substitution);

}  // namespace weir::config
