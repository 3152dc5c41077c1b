#include "http/status.h"

namespace weir::http {

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
#define WEIR_STATUS(code, phrase) \
  case code:                      \
    return phrase;
#include "http/statuses.def"
#undef WEIR_STATUS
    default:
      return "";
  }
}

bool content_allowed(std::uint16_t status, std::string_view request_method) {
  if (status < 200 || status == 204 || status == 304) return false;
  return request_method != "HEAD" && !(status < 300 && request_method == "CONNECT");
}

}  // namespace weir::http
