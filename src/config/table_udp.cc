// The keys that only UDP listeners have.
#include <array>

#include "config/codecs.h"

namespace weir::config {
namespace {

constexpr Rules kBuffer{.max = 1024.0 * 1024 * 1024, .unit = Unit::bytes};

constexpr std::array kUdpFields{
    field<&Udp::expected_responses>("expected_responses",
                                    "responses to each datagram of a client; with the last one its flow ends: 1 for "
                                    "DNS, 0 where nobody answers; without it flows end by timeouts.idle",
                                    {.max = 1'000'000}),
    field<&Udp::max_flows>("max_flows",
                           "most flows, over all workers in equal shares; with one more the flow that has been silent "
                           "longest ends",
                           {.min = 1, .max = 10'000'000}),
    field<&Udp::receive_buffer>("receive_buffer", "the kernel's, of each worker's socket; 0 is the system's default",
                                kBuffer),
    field<&Udp::send_buffer>("send_buffer", "the kernel's, of each worker's socket; 0 is the system's default",
                             kBuffer),
};

}  // namespace

template <>
const Resource& resource<Udp>() {
  static constexpr Resource kResource{
      .name = "udp", .summary = "flows of UDP clients", .fields = kUdpFields, .defaults = defaults_of<Udp>};
  return kResource;
}

}  // namespace weir::config
