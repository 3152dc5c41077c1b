// Loads what a configuration needs of TLS, from what is there already where nothing has changed. For certificate*.cc
// only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "control/certificates.h"

namespace weir::control {

// Puts one state together.
class Certificates::Loader {
 public:
  Loader(Certificates& owner, const Effective& wanted, Reading reading)
      : owner_(owner),
        wanted_(*wanted.config),
        made_(wanted.certificates),
        absent_(wanted.absent_certificates),
        reading_(reading) {}

  config::Faults load(State& state);

 private:
  // -- certificate_files.cc
  // The text of a file, or null and a fault. `present` is what was used until now.
  Text text_of(const std::string& path, const config::Origin& origin, const std::string& what, const Text& present);
  std::shared_ptr<const tls::Certificate> load_pair(State& state, const config::Certificate& wanted,
                                                    const std::string& what);
  std::shared_ptr<const tls::Certificate> check_pair(const config::Certificate& wanted, const Pair& pair,
                                                     const std::string& what,
                                                     const std::shared_ptr<const tls::Certificate>& present);
  // For certificates of the API: the texts are in hand.
  void load_made(State& state, const ApiCertificate& made);
  void load_staple(const config::Certificate& wanted, const tls::Certificate& certificate, const std::string& what);
  void collect_to_staple(State& state);
  void load_ticket_keys(State& state);

  // -- certificate_contexts.cc
  void load_listener(State& state, const config::Listener& listener);
  void collect_certificates(State& state, const config::Listener& listener, const config::ListenerTls& tls,
                            const std::string& what, OfListener& next);
  std::shared_ptr<const tls::ServerContexts> make_contexts(const config::Listener& listener,
                                                           const config::ListenerTls& tls, const OfListener& parts,
                                                           const std::string& what, const OfListener* present);
  // The rules `tls` of the pool or of its probes, at `place` ("tls") of the pool; kept under `key`.
  void load_pool(State& state, const config::Pool& pool, const config::PoolTls& tls, const std::string& key,
                 std::string_view place);
  std::shared_ptr<const tls::ClientContexts> make_contexts(const config::Pool& pool, const OfPool& parts,
                                                           const std::string& what, const OfPool* present);
  // In the configuration by that name, or set aside.
  bool is_named(const std::string& name) const;

  // True when what is in use stays in place of what is wrong now.
  bool keeps(const auto& present, const std::string& what, const std::string& message) const {
    if (reading_ == Reading::again || present == nullptr) return false;
    if (reading_ == Reading::tolerant) base::log_error("{}: {}; what is in use stays", what, message);
    return true;
  }
  void fault(const config::Origin& origin, std::string path, std::string message) {
    faults_.push_back({origin, std::move(path), std::move(message)});
  }

  Certificates& owner_;
  const config::Config& wanted_;
  const std::map<std::string, std::shared_ptr<const ApiCertificate>>& made_;
  const std::set<std::string>& absent_;
  Reading reading_;
  std::set<const tls::Certificate*> from_file_;  // whose staples are not fetched
  config::Faults faults_;
};

}  // namespace weir::control
