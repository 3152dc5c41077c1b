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
// Whether the header of that name belongs to the connection or the framing, which Weir sets itself (RFC 9110 7.6.1,
// RFC 9112 6).
bool is_own_header(std::string_view name);
// A host name of RFC 1123 labels (underscores allowed, as containers use them), without a port.
bool is_host_name(std::string_view text);

}  // namespace weir::config
