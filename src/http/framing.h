// The meaning of a header's fields together for the message: its length, its connection, its host.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/authority.h"
#include "http/message.h"

namespace weir::http {

// A rule that is broken, or none (what is null). `status` is what a request gets as its answer.
struct Broken {
  const char* what = nullptr;
  std::uint16_t status = 400;
  explicit operator bool() const { return what != nullptr; }
};

// Collects the fields that decide framing, one after the other, and refuses the first that breaks a rule (RFC 9112 6).
class FramingFields {
 public:
  // `field.id` is one of those of concerns(). The fields of requests that responses do not have a meaning for (Host,
  // Expect, Upgrade) are ignored in responses.
  Broken take(const HeaderField& field, Version version, bool of_request);
  // The ids that take() looks at are the first ones of known_headers.def.
  static bool concerns(HeaderId id) {
    return static_cast<unsigned>(id) - 1u < static_cast<unsigned>(HeaderId::upgrade);
  }

  // Checks the whole and fills authority, body, keep_alive, expects_continue and wants_upgrade from the fields.
  Broken finish(RequestHead& head) const;
  // Fills body and keep_alive (RFC 9112 6.3). Nothing is left that could be broken.
  void finish(ResponseHead& head, std::string_view request_method) const;

 private:
  Broken take_host(std::string_view value);
  Broken take_length(std::string_view value);
  Broken take_transfer_encoding(std::string_view value, Version version);
  Broken take_connection(std::string_view value);
  const char* match_host(const RequestHead& head) const;
  bool keeps_alive(Version version) const;

  Authority host_;
  std::string_view host_text_;
  std::string_view upgrade_;
  std::uint64_t length_ = 0;
  std::uint16_t connection_options_ = 0;
  std::uint16_t upgrades_ = 0;
  bool has_host_ = false;
  bool has_length_ = false;
  bool chunked_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool upgrade_option_ = false;
  bool expects_continue_ = false;
};

}  // namespace weir::http
