// Fetches OCSP responses for the certificates in use, in a thread of its own, and keeps them on disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "tls/certificate.h"

namespace weir::control {

// A handshake never waits for a responder: it shows what is there. A response is renewed when half of its time has
// passed; while that fails the old one is shown until its end. Control thread, but for the inside.
class OcspFetcher {
 public:
  OcspFetcher();
  ~OcspFetcher();  // ends a fetch under way
  OcspFetcher(const OcspFetcher&) = delete;
  OcspFetcher& operator=(const OcspFetcher&) = delete;

  // From now on the staples of these, which name a responder, are kept fresh. `folder` keeps them over restarts; empty:
  // nothing does.
  void follow(std::vector<std::shared_ptr<const tls::Certificate>> certificates, std::string folder);

 private:
  struct Work {
    // All of one certificate: it may be in use by several names. What is fetched for the first goes for all.
    std::vector<std::shared_ptr<const tls::Certificate>> certificates;
    std::int64_t due = 0;  // Unix time
    std::uint32_t failures = 0;
    bool from_disk = true;  // look there first
  };
  void run();
  void attend(Work& work, const std::string& folder);
  // Sets the staple of `certificate` by what its responder says.
  base::Checked<void> fetch(const tls::Certificate& certificate);
  void store(const tls::Certificate& certificate, const std::string& folder) const;
  bool load(const tls::Certificate& certificate, const std::string& folder) const;
  static int stop_asked(void* self, long, long, long, long);

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::string, Work> work_;  // by fingerprint
  std::string folder_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::control
