#include "filter/basic_credentials.h"

#include <openssl/evp.h>

#include "base/text.h"
#include "config/text_rules.h"

namespace weir::filter {

bool BasicCredentials::read(const http::RequestHead& head) {
  const http::HeaderField* field = head.headers.find_only("authorization");
  constexpr std::string_view kScheme = "basic ";
  if (field == nullptr || !base::equal_ignoring_case(field->value.substr(0, kScheme.size()), kScheme)) return false;
  std::string_view coded = base::trim(field->value.substr(kScheme.size()));
  if (coded.empty() || coded.size() > kLongest || coded.size() % 4 != 0) return false;
  both_.resize(coded.size() / 4 * 3);
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(both_.data()),
                             reinterpret_cast<const unsigned char*>(coded.data()), static_cast<int>(coded.size()));
  std::size_t padding = coded.ends_with("==") ? 2 : coded.ends_with('=') ? 1 : 0;
  if (size < static_cast<int>(padding)) return false;
  both_.resize(static_cast<std::size_t>(size) - padding);
  // A byte of zero would end the password early where it is hashed.
  return both_.find(':') != std::string::npos && !config::has_control_bytes(both_);
}

}  // namespace weir::filter
