// Texts of others in messages for people.
#pragma once

#include <string>
#include <string_view>

namespace weir::health {

// What a backend or a program says, as one line: control bytes and what is no UTF-8 as \xHH, at most 200 bytes of it.
std::string printable(std::string_view text);

}  // namespace weir::health
