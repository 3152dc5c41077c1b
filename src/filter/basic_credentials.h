// The name and the password of a request (RFC 7617).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/cleanse.h"
#include "http/message.h"

namespace weir::filter {

// Leaves nothing of them in memory.
class BasicCredentials {
 public:
  static constexpr std::size_t kLongest = 1024;  // in base64

  BasicCredentials() = default;
  BasicCredentials(const BasicCredentials&) = delete;
  BasicCredentials& operator=(const BasicCredentials&) = delete;
  ~BasicCredentials() { base::cleanse(both_); }

  // False: the head has none, several, or some that are malformed, too long or have control bytes.
  bool read(const http::RequestHead& head);
  // After read() was true. The name ends at the first colon.
  std::string_view name() const { return std::string_view(both_).substr(0, both_.find(':')); }
  std::string_view password() const { return std::string_view(both_).substr(both_.find(':') + 1); }

 private:
  std::string both_;
};

}  // namespace weir::filter
