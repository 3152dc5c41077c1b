// The kind of text that a client wants (RFC 9110 12.5.1).
#pragma once

#include "http/message.h"

namespace weir::http {

// Whether an answer made by Weir itself should be JSON rather than plain text: true when the Accept fields weigh
// application/json, application/problem+json or another +json type higher than text/plain and text/html. Without
// Accept, or with no difference ("*/*"): plain text.
bool prefers_json(const HeaderMap& headers);

}  // namespace weir::http
