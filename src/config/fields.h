// How one resource is described: a table of its keys. The reader, the canonical JSON and the JSON Schema all come from
// these tables; a new key is one line in the table of its resource (table_*.cc) and one member in config.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "config/document.h"
#include "config/kinds.h"

namespace weir::config {

class Reader;
class SchemaBuilder;
struct Resource;

// The values that a key allows beyond the type of its member.
struct Rules {
  double min = 0;  // of numbers; of durations in milliseconds
  double max = 1e18;
  Unit unit = Unit::none;
  bool required = false;
  std::string_view word_for_zero = {};             // "auto": may stand for 0, and is written for it
  std::span<const std::string_view> allowed = {};  // of texts; empty: any; of paths: words that are none
  bool filled = false;                             // of lists: not empty when they are written
  std::string_view kind = {};                      // of a Choice: the name of a Kind
  bool is_path = false;                            // of a file, relative to the configuration's own
};

struct WriteOptions {
  bool origin = false;
};

// One key of a resource. The functions know the member; `object` is the resource.
struct Field {
  std::string_view key;
  std::string_view summary;
  Rules rules;
  void (*read)(Reader&, const Node&, void* object, const Field&);
  // Called when the key is not there: completes what depends on the tables of kinds.
  void (*absent)(Reader&, void* object, const Field&);
  // A null node: nothing to write.
  Node (*write)(const void* object, const Field&, WriteOptions);
  // A null node: the key is not for people.
  Node (*schema)(const Field&, SchemaBuilder&);
  // The table of the map, or of the maps of the list, that the key holds; null for other values.
  const Resource& (*inner)() = nullptr;
  bool is_list = false;
};

// A key that the design knows and this build refuses, with the reason.
struct RefusedKey {
  std::string_view key;
  std::string_view reason;
};

// A resource: a map in the file, a struct in config.h.
struct Resource {
  std::string_view name;
  std::string_view summary;
  std::span<const Field> fields;
  std::string_view short_key = {};  // a scalar in place of the map is the value of this key
  std::string_view off_key = {};    // `off` or `false` in place of the map sets this key to false
  std::span<const RefusedKey> refused = {};
  bool takes_notes = false;              // files may have keys that begin with "x-", which are ignored
  std::string_view hint_at_header = {};  // where names of header fields are no keys: what to write, `{}` is the name
  // The Choice whose `type` and options are keys of this map as well, or null.
  Choice* (*choice)(void* object) = nullptr;
  std::string_view kind = {};  // of that Choice: the name of a Kind
  // The type that an option of its own stands for where `type` is not there; empty: none.
  std::string_view implied_type = {};
  bool may_be_off = false;  // `type: off` chooses none, which is a choice without a name
  // A default-made struct, for the defaults that the schema names.
  const void* (*defaults)() = nullptr;
  // Called after all keys: what follows from several of them.
  void (*finish)(Reader&, const Node&, void* object) = nullptr;
};

// The table of the struct S; one specialization per resource, in its table_*.cc.
template <typename S>
const Resource& resource();

template <>
const Resource& resource<Config>();
template <>
const Resource& resource<Admin>();
template <>
const Resource& resource<AdminToken>();
template <>
const Resource& resource<AccessLog>();
template <>
const Resource& resource<Timeouts>();
template <>
const Resource& resource<TimeoutOverrides>();
template <>
const Resource& resource<MinRate>();
template <>
const Resource& resource<Limits>();
template <>
const Resource& resource<Forward>();
template <>
const Resource& resource<Udp>();
template <>
const Resource& resource<Certificate>();
template <>
const Resource& resource<ClientCertificates>();
template <>
const Resource& resource<Hsts>();
template <>
const Resource& resource<ListenerTls>();
template <>
const Resource& resource<PoolTls>();
template <>
const Resource& resource<Tls>();
template <>
const Resource& resource<SocketOptions>();
template <>
const Resource& resource<Paths>();
template <>
const Resource& resource<Listener>();
template <>
const Resource& resource<Http2>();
template <>
const Resource& resource<Route>();
template <>
const Resource& resource<Match>();
template <>
const Resource& resource<Redirect>();
template <>
const Resource& resource<FixedResponse>();
template <>
const Resource& resource<Rewrite>();
template <>
const Resource& resource<HeaderChanges>();
template <>
const Resource& resource<Pool>();
template <>
const Resource& resource<Sticky>();
template <>
const Resource& resource<HealthCheck>();
template <>
const Resource& resource<Agent>();
template <>
const Resource& resource<Passive>();
template <>
const Resource& resource<FailureRules>();
template <>
const Resource& resource<ErrorRate>();
template <>
const Resource& resource<SuccessRate>();
template <>
const Resource& resource<LatencyOutlier>();
template <>
const Resource& resource<EjectionTimes>();
template <>
const Resource& resource<Retries>();
template <>
const Resource& resource<UpstreamConnections>();
template <>
const Resource& resource<Grpc>();
template <>
const Resource& resource<Backend>();

// The names of an enumeration's values, in order; one specialization per enumeration.
template <typename E>
std::span<const std::string_view> value_names();

template <>
std::span<const std::string_view> value_names<ListenerProtocol>();
template <>
std::span<const std::string_view> value_names<EncodedSlash>();
template <>
std::span<const std::string_view> value_names<PathParameters>();
template <>
std::span<const std::string_view> value_names<PoolProtocol>();
template <>
std::span<const std::string_view> value_names<TlsVersion>();
template <>
std::span<const std::string_view> value_names<ClientCertificateMode>();
template <>
std::span<const std::string_view> value_names<AcceptProxy>();
template <>
std::span<const std::string_view> value_names<SendProxy>();
template <>
std::span<const std::string_view> value_names<AgentTransport>();
template <>
std::span<const std::string_view> value_names<TokenRole>();

// 1 ms to 20 days: every timeout.
inline constexpr double kMinTimeoutMs = 1;
inline constexpr double kMaxTimeoutMs = 20.0 * 24 * 60 * 60 * 1000;

// The canonical node of `object`, a struct described by `resource`.
Node write_resource(const Resource& resource, const void* object, WriteOptions options);
// The node of "origin", or a null one when `options` do not ask for it.
Node write_origin(const Origin& origin, WriteOptions options);
// The word that stands for a choice of nothing.
inline constexpr std::string_view kOff = "off";
// The canonical node of an option's value.
Node write_option(const OptionValue& value);
// `type` and options as members of `map`.
void write_choice(const Choice& choice, Node& map);
// The options alone; a dotted key is a map in it.
void write_options(const Choice& choice, Node& map);

}  // namespace weir::config
