// The options of the load generator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path = "/0";
  std::uint64_t body_bytes = 0;  // of each request: more than 0 makes it a POST
  unsigned connections = 64;
  double warmup_s = 1;
  double seconds = 5;
  double rate = 0;              // requests per second, open loop; 0: every connection sends as soon as it may
  bool close = false;           // a connection for each request
  bool hold = false;            // one request per connection, then hold them open until standard input ends
  bool tls = false;             // through TLS; certificates are not checked
  bool resume = false;          // with TLS: connections resume the session of the last one
  std::vector<int> watch_pids;  // whose CPU time to report
};

// Reads the command line; prints what is wrong and exits with 2.
Options parse_options(int argc, char** argv);

}  // namespace weir::bench
