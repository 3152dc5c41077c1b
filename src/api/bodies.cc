#include "api/bodies.h"

#include <array>

#include "config/codecs.h"

namespace weir::config {
namespace {

using api::AlgorithmBody;

constexpr double kMaxStickySeconds = 400.0 * 24 * 60 * 60;  // what browsers keep a cookie for (RFC 6265bis 5.5)

constexpr std::array kAlgorithmFields{
    field<&AlgorithmBody::algorithm>("algorithm", "how a backend is picked", {.required = true, .kind = "strategies"}),
    field<&AlgorithmBody::pool>("pool", "the pool that is changed"),
    field<&AlgorithmBody::sticky_sessions>("sticky_sessions", "true: a client stays with its backend"),
    field<&AlgorithmBody::sticky_ttl_seconds>("sticky_ttl_seconds", "how long a client stays",
                                              {.min = 1, .max = kMaxStickySeconds}),
};

}  // namespace

template <>
const Resource& resource<AlgorithmBody>() {
  static constexpr Resource kResource{.name = "algorithm_change",
                                      .summary = "another algorithm, or another stickiness, for a pool",
                                      .fields = kAlgorithmFields,
                                      .defaults = defaults_of<AlgorithmBody>};
  return kResource;
}

}  // namespace weir::config
