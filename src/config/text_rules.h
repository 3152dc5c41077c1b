// Rules for single texts, for checks of this folder and of the entries of kinds.
#pragma once

#include <string>
#include <string_view>

namespace weir::config {

// The text as a message may quote it: control bytes escaped, at most 60 bytes.
std::string quoted(std::string_view text);

bool has_control_bytes(std::string_view text);
// RFC 9110 5.6.2.
bool is_token(std::string_view text);
// A host name of RFC 1123 labels (underscores allowed, as containers use them), without a port.
bool is_host_name(std::string_view text);

}  // namespace weir::config
