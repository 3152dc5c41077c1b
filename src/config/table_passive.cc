// Passive checks of a pool.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/codecs.h"
#include "config/grpc_statuses.h"

namespace weir::config {
namespace {

constexpr Rules kEvents{.min = 1, .max = 1'000'000};
constexpr Rules kInARow{.max = 1000, .word_for_zero = kOff};

// A list of texts that may be empty, each of which `take(reader, node, text, rules)` has to know.
template <auto Member, auto Take>
constexpr Field list_field(std::string_view key, std::string_view summary) {
  Field made = field<Member>(key, summary);
  made.read = [](Reader& reader, const Node& node, void* object, const Field&) {
    std::optional<std::vector<std::string>> read = reader.text_list(node, {});
    if (!read) return;
    auto& rules = *static_cast<FailureRules*>(object);
    rules.*Member = std::move(*read);
    Take(reader, node, rules);
  };
  made.schema = [](const Field&, SchemaBuilder& builder) {
    return builder.list(builder.any_of({builder.text({}), builder.number({.max = StatusSet::kLast})}), true);
  };
  // An empty list is not the default one.
  made.write = [](const void* object, const Field&, WriteOptions) {
    Node list = Node::of_list();
    for (const std::string& text : static_cast<const FailureRules*>(object)->*Member)
      list.items.push_back(Node::of_text(text));
    return list;
  };
  return made;
}

// The place of the text at `index`, where `node` is a list or one text.
const Node& item(const Node& node, std::size_t index) { return node.items.empty() ? node : node.items[index]; }

void take_statuses(Reader& reader, const Node& node, FailureRules& rules) {
  rules.status_set = {};
  for (std::size_t i = 0; i < rules.statuses.size(); ++i) {
    std::string_view text = rules.statuses[i];
    std::size_t dash = text.find('-');
    auto low = base::parse_unsigned(base::trim(text.substr(0, dash)), StatusSet::kLast);
    auto high = dash == text.npos ? low : base::parse_unsigned(base::trim(text.substr(dash + 1)), StatusSet::kLast);
    if (low && high && *low >= StatusSet::kFirst && *low <= *high) {
      rules.status_set.add(static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high));
    } else {
      reader.fault(item(node, i), fmt::format("{} is no status or range of statuses within 100-599, such as 503 or "
                                              "500-599",
                                              quoted(text)));
    }
  }
}

// In lower case, as they are written here; those of `grpc.fine_statuses` are in upper case.
constexpr std::array<std::string_view, kGrpcStatuses.size()> kGrpcNames{
    "ok",        "cancelled",      "unknown",           "invalid_argument",   "deadline_exceeded",
    "not_found", "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
    "aborted",   "out_of_range",   "unimplemented",     "internal",           "unavailable",
    "data_loss", "unauthenticated"};

void take_grpc(Reader& reader, const Node& node, FailureRules& rules) {
  rules.grpc_mask = 0;
  for (std::size_t i = 0; i < rules.grpc.size(); ++i) {
    std::string& name = rules.grpc[i];
    auto found = std::ranges::find_if(kGrpcNames,
                                      [&](std::string_view known) { return base::equal_ignoring_case(known, name); });
    if (found == kGrpcNames.begin()) {
      reader.fault(item(node, i), "'ok' is no failure");
    } else if (found != kGrpcNames.end()) {
      rules.grpc_mask |= 1u << (found - kGrpcNames.begin());
      name = *found;
    } else {
      reader.fault(item(node, i), fmt::format("{} is no gRPC status{}", quoted(name), hint(name, kGrpcNames)));
    }
  }
}

constexpr std::array kFailureFields{
    list_field<&FailureRules::statuses, &take_statuses>("status", "statuses that are failures of the backend"),
    list_field<&FailureRules::grpc, &take_grpc>("grpc", "gRPC statuses that are, by name; also those in trailers"),
};

constexpr std::array kErrorRateFields{
    field<&ErrorRate::enabled>("enabled", "eject backends that fail too large a share of their requests"),
    field<&ErrorRate::threshold>("threshold", "share of the requests of the window that failed",
                                 {.min = 0.01, .max = 1, .unit = Unit::share}),
    field<&ErrorRate::min_requests>("min_requests", "of the backend in the window; fewer say nothing", kEvents),
};

constexpr std::array kSuccessRateFields{
    field<&SuccessRate::enabled>("enabled", "eject backends that succeed less often than the others"),
    field<&SuccessRate::deviations>("deviations", "standard deviations below the mean of the pool",
                                    {.min = 0.1, .max = 100}),
    field<&SuccessRate::min_difference>("min_difference", "below the mean at least",
                                        {.min = 0, .max = 1, .unit = Unit::share}),
    field<&SuccessRate::min_backends>("min_backends", "with enough requests; fewer are not compared",
                                      {.min = 3, .max = 100'000}),
    field<&SuccessRate::min_requests>("min_requests", "of a backend in the window; fewer say nothing", kEvents),
};

constexpr std::array kLatencyFields{
    field<&LatencyOutlier::enabled>("enabled", "eject backends that are slower than the others"),
    field<&LatencyOutlier::factor>("factor", "times the median backend's time to the first byte",
                                   {.min = 1.1, .max = 1000}),
    field<&LatencyOutlier::min_difference>("min_difference", "and slower by this at least", {.max = kMaxTimeoutMs}),
    field<&LatencyOutlier::min_backends>("min_backends", "with enough requests; fewer are not compared",
                                         {.min = 3, .max = 100'000}),
    field<&LatencyOutlier::min_requests>("min_requests", "of a backend in the window; fewer say nothing", kEvents),
};

constexpr std::array kEjectionFields{
    field<&EjectionTimes::base>("base", "out for this the first time, for twice as long the next",
                                {.min = 100, .max = kMaxTimeoutMs}),
    field<&EjectionTimes::max>("max", "and never for longer", {.min = 100, .max = kMaxTimeoutMs}),
};

constexpr std::array kPassiveFields{
    field<&Passive::enabled>("enabled", "eject backends whose traffic fails"),
    field<&Passive::consecutive_failures>("consecutive_failures", "bad answers in a row (`failure`), or off", kInARow),
    field<&Passive::consecutive_local_failures>(
        "consecutive_local_failures",
        "failed connections, timeouts and broken answers in a row, or off; a refused connection, and one that ends "
        "before the first byte, counts twice",
        kInARow),
    field<&Passive::failure>("failure", "answers that are failures"),
    field<&Passive::error_rate>("error_rate", "the share of a backend's requests that fail"),
    field<&Passive::success_rate>("success_rate", "the share that succeeds, compared with the other backends"),
    field<&Passive::latency>("latency", "time to the first byte, compared with the other backends"),
    field<&Passive::window>("window", "that error_rate, success_rate and latency are of", {.min = 1000, .max = 60'000}),
    field<&Passive::ejection>("ejection", "how long a backend is out"),
    field<&Passive::max_ejected>("max_ejected", "share of the pool's backends that may be out at once; one of two may",
                                 {.max = 1, .unit = Unit::share}),
};

}  // namespace

template <>
const Resource& resource<FailureRules>() {
  static constexpr Resource kResource{.name = "failure",
                                      .summary = "answers that are failures of the backend",
                                      .fields = kFailureFields,
                                      .defaults = defaults_of<FailureRules>};
  return kResource;
}

template <>
const Resource& resource<ErrorRate>() {
  static constexpr Resource kResource{.name = "error_rate",
                                      .summary = "ejects backends that fail too often: a share, a map or off",
                                      .fields = kErrorRateFields,
                                      .short_key = "threshold",
                                      .off_key = "enabled",
                                      .defaults = defaults_of<ErrorRate>};
  return kResource;
}

template <>
const Resource& resource<SuccessRate>() {
  static constexpr Resource kResource{.name = "success_rate",
                                      .summary = "ejects backends that succeed less often than the others, or off",
                                      .fields = kSuccessRateFields,
                                      .short_key = "deviations",
                                      .off_key = "enabled",
                                      .defaults = defaults_of<SuccessRate>};
  return kResource;
}

template <>
const Resource& resource<LatencyOutlier>() {
  static constexpr Resource kResource{.name = "latency",
                                      .summary = "ejects backends that are slower than the others, or off",
                                      .fields = kLatencyFields,
                                      .short_key = "factor",
                                      .off_key = "enabled",
                                      .defaults = defaults_of<LatencyOutlier>};
  return kResource;
}

template <>
const Resource& resource<EjectionTimes>() {
  static constexpr Resource kResource{.name = "ejection",
                                      .summary = "how long a backend is out; a duration alone is the first time",
                                      .fields = kEjectionFields,
                                      .short_key = "base",
                                      .defaults = defaults_of<EjectionTimes>};
  return kResource;
}

template <>
const Resource& resource<Passive>() {
  static constexpr Resource kResource{.name = "passive",
                                      .summary = "what live traffic teaches of the backends, or off",
                                      .fields = kPassiveFields,
                                      .off_key = "enabled",
                                      .defaults = defaults_of<Passive>};
  return kResource;
}

}  // namespace weir::config
