// Which timeout holds for an exchange: the route's, else the pool's, else the listener's, else the global one.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "config/config.h"

namespace weir::worker {

// How long a connection without a request is kept once its listener closes: a request may be under way.
inline constexpr auto kClosingGrace = std::chrono::milliseconds(1000);

struct TimeoutScopes {
  const config::TimeoutOverrides* route = nullptr;  // null where there is none
  const config::TimeoutOverrides* pool = nullptr;
  const config::TimeoutOverrides* listener = nullptr;
  const config::Timeouts* global = nullptr;

  base::Nanoseconds get(std::optional<config::Duration> config::TimeoutOverrides::* override,
                        config::Duration config::Timeouts::* fallback) const {
    for (const config::TimeoutOverrides* scope : {route, pool, listener}) {
      if (scope != nullptr && (scope->*override).has_value()) return *(scope->*override);
    }
    return global->*fallback;
  }
  // Nothing: without limit.
  std::optional<base::Nanoseconds> request() const {
    for (const config::TimeoutOverrides* scope : {route, pool, listener}) {
      if (scope != nullptr && scope->request) return *scope->request;
    }
    return global->request;
  }
  base::Nanoseconds body() const { return get(&config::TimeoutOverrides::body, &config::Timeouts::body); }
  base::Nanoseconds connect() const { return get(&config::TimeoutOverrides::connect, &config::Timeouts::connect); }
  base::Nanoseconds response() const { return get(&config::TimeoutOverrides::response, &config::Timeouts::response); }
  base::Nanoseconds queue() const { return get(&config::TimeoutOverrides::queue, &config::Timeouts::queue); }
  base::Nanoseconds websocket() const {
    for (const config::TimeoutOverrides* scope : {route, pool, listener}) {
      if (scope != nullptr && scope->websocket) return *scope->websocket;
    }
    return global->websocket ? *global->websocket : tunnel();
  }
  base::Nanoseconds tunnel() const { return get(&config::TimeoutOverrides::tunnel, &config::Timeouts::tunnel); }
};

}  // namespace weir::worker
