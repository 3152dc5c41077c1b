// The way that Weir would send a request, without running: listener, route, pool and backends, and why.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace weir::app {

struct ExplainRequest {
  std::string method;
  std::string url;                        // "http://host:port/path?query", "host:port/path" or "/path"
  std::vector<std::string> headers = {};  // "name: value"; a Host replaces that of the URL
  std::string client = "127.0.0.1";       // the address the connection comes from
};

struct Explanation {
  std::string text;
  bool taken = false;  // a backend gets the request, or a redirect or fixed response answers it
};

// The answer in lines for people, by what Weir makes of the configuration that was read. An error when the question
// itself makes no sense, with a URL or an address that is none, or the configuration has faults beyond its file's.
// What Weir would refuse (bad syntax, no listener) is an answer. Nothing is opened or resolved; every backend that is
// enabled and has a weight counts as healthy.
base::Checked<Explanation> explain(const config::Config& read, const ExplainRequest& request);

// A URL in the parts that matter here. Errors say what is wrong with it.
struct ExplainUrl {
  bool https = false;
  std::string authority;   // as written; empty for "/path"
  std::string host;        // without port and brackets
  std::uint16_t port = 0;  // given, or 80 or 443 by the scheme; 0 for "/path"
  std::string target;      // "/path?query", as it goes over the wire; without the fragment
};
base::Checked<ExplainUrl> parse_url(const std::string& url);

}  // namespace weir::app
