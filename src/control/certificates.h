// Everything of TLS that a configuration needs, loaded and checked before it is accepted: certificates and keys,
// authorities, ticket keys, and the contexts that workers make handshakes with.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "config/fault.h"
#include "control/effective.h"
#include "control/ocsp_fetcher.h"
#include "control/reading.h"
#include "control/watched_files.h"
#include "tls/client_context.h"
#include "tls/server_context.h"

namespace weir::control {

// Control thread only, but for what the contexts refer to.
class Certificates {
 public:
  struct Options {
    std::vector<tls::Library*> libraries;     // one per worker; outlive this and all contexts
    tls::Library* probing = nullptr;          // the health thread's
    std::function<std::int64_t()> unix_time;  // seconds
  };
  explicit Certificates(Options options);

  // Loads what `wanted` needs, all of it or faults.
  config::Faults prepare(const Effective& wanted, Reading reading);
  // The configuration that was prepared is accepted: from now on the contexts are its own. Or is not.
  void accept();
  void abandon() { next_.reset(); }

  // The contexts of the listener's handshakes; null when its clients speak no TLS. The same object as long as
  // nothing that it is made of changes.
  std::shared_ptr<const tls::ServerContexts> of_listener(const std::string& name) const;

  // The same for connections to the pool's backends; pools with the same rules share it.
  std::shared_ptr<const tls::ClientContexts> of_pool(const config::Pool& pool) const;
  // The same for probes of them.
  std::shared_ptr<const tls::ClientContexts> of_probes(const config::Pool& pool) const;

  // Every certificate in use, each once, by its name.
  const std::map<std::string, std::shared_ptr<const tls::Certificate>>& in_use() const { return now_.certificates; }
  // A file of those in use has changed on disk, and is at rest.
  std::vector<std::string> files_changed() { return files_.changed(); }
  // Once a second: rotates the ticket keys when it is time, and says which certificates end soon.
  void tick(base::TimePoint now);

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Pair {
    Text chain, key;
    std::shared_ptr<const tls::Certificate> certificate;
  };
  struct OfListener {
    config::ListenerTls config{};
    std::string protocol{};
    std::vector<std::shared_ptr<const tls::Certificate>> certificates{};
    Text authorities{}, revocations{};
    std::shared_ptr<const tls::ServerContexts> contexts{};
  };
  struct OfPool {
    config::PoolTls config{};
    std::vector<std::string> alpn{};
    Text authorities{};
    std::string system{};  // tls::system_authorities_stamp() where those count
    std::shared_ptr<const tls::Certificate> certificate{};
    std::shared_ptr<const tls::ClientContexts> contexts{};
  };
  struct State {
    std::map<std::string, Pair> pairs;  // by the paths of both files, or the name
    std::map<std::string, std::shared_ptr<const tls::Certificate>> certificates;
    std::map<std::string, OfListener, std::less<>> listeners;
    std::vector<std::shared_ptr<const OfPool>> pools;              // each different one
    std::map<std::string, std::shared_ptr<const OfPool>> of_pool;  // by its name, or key_of_probes()
    std::vector<std::shared_ptr<const tls::Certificate>> to_staple;
    std::string ocsp_folder;
    Text ticket_text;
    std::optional<tls::TicketKeys> ticket_keys;  // of a file
    config::Duration ticket_rotation{0};
  };
  class Loader;
  friend class Loader;
  void warn_of_ends();

  Options options_;
  WatchedFiles files_;
  State now_;
  std::optional<State> next_;
  bool started_ = false;
  std::shared_ptr<tls::TicketKeyRing> tickets_ = std::make_shared<tls::TicketKeyRing>();
  std::optional<base::TimePoint> rotated_;
  std::optional<base::TimePoint> ends_looked_at_;
  std::map<std::string, std::int64_t> warned_;  // by fingerprint: of how many days left
  std::unique_ptr<OcspFetcher> fetcher_;        // once there is something to fetch
};

}  // namespace weir::control
