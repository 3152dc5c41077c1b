// Texts of others in messages for people.
#pragma once

#include <string>
#include <string_view>

namespace weir::health {

// The words of a backend or a program, as one line: control bytes and invalid UTF-8 as \xHH, at most 200 bytes of it.
std::string printable(std::string_view text);

}  // namespace weir::health
