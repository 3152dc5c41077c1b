// How a registered kind of thing (strategy, checker, store) describes its entries to everything that must know them by
// name: the configuration reader, the API schema, `weir help` and the dashboard. Each kind's <kind>s.def yields one
// such table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace weir::config {

// The unit of a number, where its type does not say.
enum class Unit : std::uint8_t {
  none,
  bytes,  // also "16KB", "1MB" (1 KB = 1024)
  share,  // 0.2 or "20%"
};

enum class OptionType { boolean, integer, number, text, duration, text_list, text_map };

// One option of an entry. A key "users.file" is the key `file` of the map `users`. min and max hold for integer and
// number, and in milliseconds for duration.
struct OptionSpec {
  std::string_view key;
  OptionType type;
  OptionValue default_value;
  double min = 0;
  double max = 1e18;
  std::string_view summary;
  std::span<const std::string_view> allowed = {};  // for text: the only values; empty: any
  bool is_path = false;                            // for text: of a file, relative to the configuration's own
  bool is_optional = false;                        // a choice may lack it, and that is no value of it
  Unit unit = Unit::none;                          // of integer and number
  bool is_trusted_header = false;                  // for text: of a filter, a header that backends believe
};

// An error in one option beyond its type and range.
struct OptionFault {
  std::string_view key;  // of an OptionSpec
  std::string message;   // "'20x' is no status"
};

using OptionFaults = std::vector<OptionFault>;

// The answers to questions about an entry: nobody asks for its name instead.
struct Traits {
  // Traits of strategies.
  bool ignores_weights = false;  // weights of backends have no effect
  bool by_key = false;           // the same key goes to the same backend
  bool keeps_keys = false;       // and few keys move when backends come or go,
  bool is_uneven = false;        // none needlessly, for shares that differ from the weights by a tenth and more
  bool by_load = false;          // looks at the requests in progress
  bool in_turn = false;          // exact shares, over all workers
  // Traits of checkers.
  bool over_udp = false;      // probes by datagrams, all others over TCP
  bool over_http = false;     // a request in clear, or in TLS where the pool has it
  bool needs_http2 = false;   // the request is one of HTTP/2
  bool by_any = false;        // fits backends of any protocol over TCP, also of TLS that clients begin
  bool needs_tls = false;     // speaks TLS whether the pool does or not
  bool runs_program = false;  // and so knows its pool and id
  bool asks_path = false;     // asks for a backend's health_check_path
  // Traits of methods.
  bool needs_requests = false;  // knows clients by their HTTP requests: nobody without one
  bool sets_cookie = false;     // signed with sticky_secret
  // Traits of filters.
  bool several = false;           // may be there several times, as a list
  bool guards_redirects = false;  // also before routes that redirect, which ask nothing of the client
};

struct KindEntry {
  std::string_view name;
  std::string_view summary;
  std::span<const OptionSpec> options;
  // Every fault of the options of a choice of this entry; null when types and ranges say all.
  OptionFaults (*faults)(const Choice& choice) = nullptr;
  Traits traits = {};
  // Why the text of the file that the option `key` names is of no use; empty: it is good. Null: any text is.
  std::string (*file_fault)(std::string_view key, std::string_view text) = nullptr;
  std::string_view sample = {};  // its options as people write them: "{addresses: [10.0.0.0/8]}"
};

// A kind: the things of which a configuration chooses one by name.
struct Kind {
  std::string_view name;     // "strategies": what tables of keys and `weir help` call it
  std::string_view word;     // for one of its names, in messages: "algorithm"
  std::string_view place;    // the key that chooses one: "pools[].algorithm"
  std::string_view summary;  // "how a pool picks a backend"
  std::span<const KindEntry> entries;
};

// All kinds, as the program that reads a configuration knows them. A view into constant tables.
class Kinds {
 public:
  explicit constexpr Kinds(std::span<const Kind> all) : all_(all) {}
  // The kind called `name`, which must be there.
  const Kind& operator[](std::string_view name) const;
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::span<const Kind> all_;
};

// The entry called `name`, or null.
const KindEntry* find_entry(std::span<const KindEntry> entries, std::string_view name);

// The choice of `entry` with all its defaults.
Choice default_choice(const KindEntry& entry);

// The option's value in `choice`; T is one of the alternatives of OptionValue. Asserts that it is declared.
template <typename T>
const T& option(const Choice& choice, std::string_view key) {
  return std::get<T>(choice.options.at(std::string(key)));
}

// The option's value in `choice`, or its default.
template <typename T>
T option_or_default(const Choice& choice, const OptionSpec& option) {
  auto found = choice.options.find(std::string(option.key));
  if (found != choice.options.end()) {
    if (const T* value = std::get_if<T>(&found->second)) return *value;
  }
  return std::get<T>(option.default_value);
}

}  // namespace weir::config
