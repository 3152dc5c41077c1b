// One thing that is wrong with a configuration, said so that it can be mended without looking anything up.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace weir::config {

struct Fault {
  Origin at;            // the nearest place known: the value, or the object that holds it
  std::string path;     // "pools[0].backends[2].port"; relative to the object when a single object was read
  std::string message;  // what is wrong, and what would be right

  friend bool operator==(const Fault&, const Fault&) = default;
};

using Faults = std::vector<Fault>;

// "file:line:column: path: message"; parts that are not known are left out.
std::string format(const Fault& fault);

}  // namespace weir::config
