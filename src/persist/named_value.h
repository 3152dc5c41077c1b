// Stickiness by a value of the request that has a name: requests with one value have one backend, those without it go
// by the client's address.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/kinds.h"
#include "http/message.h"
#include "persist/method.h"

namespace weir::persist {

// Where such values are. Lives for ever.
struct ValuePlace {
  std::string_view word;     // for people: "header"
  std::string_view example;  // a name that is usual there
  // The value of that name, or empty.
  std::string_view (*find)(const http::RequestHead& request, std::string_view name);
};

// The option that has the name; `summary` lives for ever.
config::OptionSpec name_option(std::string_view summary);
std::vector<config::OptionFault> name_faults(const config::Choice& choice, const config::OptionSpec& option,
                                             const ValuePlace& place);
// `name` as find() wants it.
std::unique_ptr<Method> by_named_value(const ValuePlace& place, std::string name, const pool::BackendSet& backends);

}  // namespace weir::persist
