// Requests and listeners for the tests of routes, written short.
#pragma once

#include <fmt/format.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

#include "config/config.h"
#include "http/h1_codec.h"
#include "http/target.h"
#include "route/table.h"
#include "route/template.h"

namespace weir::route {

// A parsed request that owns its bytes.
class Request {
 public:
  // `fields` are whole lines, each with its CRLF.
  Request(std::string_view method, std::string_view target, std::string_view host = "a.example",
          std::string_view fields = "", const http::PathRules& paths = {})
      : bytes_(fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", method, target, host, fields)) {
    const http::Parsed parsed = http::parse_request_head(bytes_, {}, head_);
    EXPECT_EQ(parsed.state, http::Parsed::State::complete) << parsed.what << ": " << bytes_;
    broken_ = http::canonicalize(head_, paths, arena_);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  operator const http::RequestHead&() const { return head_; }
  http::RequestHead& head() { return head_; }
  // The error that canonicalize() found in the path; null for none.
  const char* broken() const { return broken_; }

 private:
  std::string bytes_;
  http::RequestHead head_;
  base::Arena arena_;
  const char* broken_ = nullptr;
};

// Values of variables that a test sets; the rest is empty.
class SetValues final : public Values {
 public:
  explicit SetValues(std::map<config::Variable, std::string> values = {}) : values_(std::move(values)) {}
  std::string_view value(config::Variable variable, base::Arena&) const override {
    auto found = values_.find(variable);
    return found == values_.end() ? std::string_view() : found->second;
  }

 private:
  std::map<config::Variable, std::string> values_;
};

inline config::Route route_to(config::Match match, std::string name = "") {
  config::Route route;
  route.name = std::move(name);
  route.match = std::move(match);
  route.pool = "pool";
  return route;
}

// A table of routes that differ only in their match. find() gives the number of the route, kNoRoute for none.
class Routes {
 public:
  explicit Routes(std::vector<config::Match> matches, const config::Paths& paths = {}) {
    config::Listener listener;
    listener.paths = paths;
    for (config::Match& match : matches) {
      const std::string name = "r" + std::to_string(listener.routes.size());
      listener.routes.push_back(route_to(std::move(match), name));
    }
    table_ = Table::compile(listener);
  }
  std::uint32_t find(const http::RequestHead& request, std::string_view client = "192.0.2.1") {
    const auto address = base::IpAddress::parse(client);
    arena_.reset();
    const std::uint32_t found = table_->find(request, *address, arena_);
    // The words of explain() must agree, always.
    const std::vector<Table::Reason> reasons = table_->explain(request, *address);
    std::uint32_t explained = kNoRoute;
    for (const Table::Reason& reason : reasons) {
      if (reason.matched && explained == kNoRoute) explained = reason.route;
    }
    EXPECT_EQ(explained, found);
    return found;
  }
  std::uint32_t get(std::string_view target, std::string_view host = "a.example") {
    const Request request("GET", target, host);
    return find(request);
  }
  const Table& table() const { return *table_; }

 private:
  std::unique_ptr<Table> table_;
  base::Arena arena_;
};

inline config::Match host_match(std::vector<std::string> hosts) {
  config::Match match;
  match.host = std::move(hosts);
  return match;
}
inline config::Match path_match(std::string path) {
  config::Match match;
  match.path = std::move(path);
  return match;
}
inline config::Match prefix_match(std::string prefix) {
  config::Match match;
  match.path_prefix = std::move(prefix);
  return match;
}
inline config::Match regex_match(std::string regex) {
  config::Match match;
  match.path_regex = std::move(regex);
  return match;
}

}  // namespace weir::route
