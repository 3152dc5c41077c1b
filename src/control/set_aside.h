// Stored objects that cannot be part of the configuration at present: Weir serves without them, and takes each back
// once the reason is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/fault.h"
#include "control/objects.h"

namespace weir::control {

// A stored object that is not part of the configuration.
struct SetAside {
  std::string reason;          // for people
  std::string json;            // as the store has it
  std::uint64_t revision = 0;  // of the store when it was written; 0: this Weir has set it aside while it ran
};
using SetAsides = std::map<ObjectName, SetAside>;

// The errors of a configuration that has certain objects of the API; empty faults: none.
struct Verdict {
  config::Faults faults;
  // Objects that are certainly at fault, with the reason.
  std::vector<std::pair<ObjectName, std::string>> blamed;
};
using Judge = std::function<Verdict(const Objects&)>;
using Reasons = std::map<ObjectName, std::string>;

// Adds to `fitting`, in which `judge` finds no faults, as many of the `candidates` of `from` as leave it without
// faults. Where two exclude each other the earlier candidate goes first. Returns those left out, with the reason.
Reasons add_fitting(const Objects& from, std::vector<ObjectName> candidates, Objects& fitting, const Judge& judge);

// The names in the order in which they are to be tried: what others refer to first, then what was written last. The
// API took a later object while an earlier one that excludes it was set aside.
std::vector<ObjectName> in_order(const SetAsides& all);

// The fault as the reason why an object is set aside: without its place in a list that nobody sees.
std::string reason_of(const config::Fault& fault);

}  // namespace weir::control
