// Keeps a set of names resolved.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "net/dns.h"
#include "net/task_group.h"

namespace weir::net {

struct NameWatchOptions {
  std::chrono::milliseconds timeout = std::chrono::seconds(10);    // for one resolution
  std::chrono::milliseconds retry_min = std::chrono::seconds(1);   // after a failure; doubles with each further one
  std::chrono::milliseconds retry_max = std::chrono::seconds(30);  // at least retry_min
};

// Asks again for each name when its TTL has passed, or after a failure with growing pauses; up to a tenth is added at
// random, so that names do not march in step. A failure of any kind keeps the last good answer: a name server that is
// down, or wrong for a while, takes no backend away.
//
// Lives on the reactor's thread of its resolver.
class NameWatch {
 public:
  // `changed` is called whenever the addresses of a name or error() become others than before, the first time included;
  // never inside set_names(). It may call set_names().
  using Changed = std::function<void(const std::string& host, const std::vector<base::IpAddress>& addresses)>;
  NameWatch(Resolver& resolver, NameWatchOptions options, Changed changed);
  // close() must have been awaited.
  ~NameWatch() = default;
  NameWatch(const NameWatch&) = delete;
  NameWatch& operator=(const NameWatch&) = delete;

  // Replaces the set of names; address literals are fine. Names that stay keep their answers and times.
  void set_names(const std::vector<std::string>& hosts);
  // The last good answer; null when there was none yet, or the name is not watched. Valid until the next `changed`,
  // set_names() or close().
  const std::vector<base::IpAddress>* addresses(const std::string& host) const;
  // Why the last look-up of the name failed; null when it did not, or none has ended yet. Valid as long as addresses().
  const base::Error* error(const std::string& host) const;
  // Ends everything; nothing may be set afterwards.
  Task<void> close();

 private:
  struct Name {
    std::string host;
    std::vector<base::IpAddress> addresses;
    std::optional<base::Error> error;  // of the last look-up
    TaskContext* context = nullptr;    // of follow(), while it runs
    bool wanted = true;
  };
  Task<void> follow(std::shared_ptr<Name> name);
  // Takes a result; how long it is good for.
  base::Nanoseconds take(Name& name, base::Result<Resolution> found, base::Nanoseconds& retry);
  void tell(const Name& name);
  base::Nanoseconds with_jitter(base::Nanoseconds duration);

  Resolver& resolver_;
  NameWatchOptions options_;
  Changed changed_;
  base::Random random_ = base::Random::seeded();
  std::map<std::string, std::shared_ptr<Name>> names_;
  TaskGroup followers_;
};

}  // namespace weir::net
