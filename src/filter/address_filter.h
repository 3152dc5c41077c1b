// The common part of `allow` and `deny`: a list of addresses.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "config/kinds.h"

namespace weir::filter {

// The option `addresses` with that summary.
config::OptionSpec addresses_option(std::string_view summary);
std::vector<config::OptionFault> addresses_faults(const config::Choice& choice);

// Immutable, any thread.
class AddressList {
 public:
  // `choice` has no faults.
  explicit AddressList(const config::Choice& choice);
  bool contains(const base::IpAddress& address) const;

 private:
  std::vector<base::Cidr> blocks_;
};

}  // namespace weir::filter
