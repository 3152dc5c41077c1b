// Heads on their way out over HTTP/2: from a HeadWriter into a list of fields.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "http/head_writer.h"
#include "http2/shared.h"

namespace weir::http2 {

// Pseudo-fields come first, so a request's Host, which becomes :authority, must be the first field. Values that do not
// last are copied to `arena`.
class HeadSink final : public http::FieldSink {
 public:
  HeadSink(FieldList& fields, base::Arena& arena) : fields_(fields), arena_(arena) {}
  // The scheme of a request, and for an extended CONNECT its protocol (RFC 8441).
  void set_scheme(std::string_view scheme) { scheme_ = scheme; }
  void set_protocol(std::string_view protocol) { protocol_ = protocol; }

  void request_line(std::string_view method, std::string_view target) override;
  // The response answers an extended CONNECT: 101 becomes 200.
  void answer_extended_connect() { tunnel_ = true; }
  void status_line(std::uint16_t status) override { fields_.status(tunnel_ && status == 101 ? 200 : status); }
  void field(std::string_view name, std::string_view value, bool lasting, bool never_indexed) override;

 private:
  FieldList& fields_;
  base::Arena& arena_;
  std::string_view scheme_ = "http";
  std::string_view protocol_;
  bool authority_due_ = false;
  bool tunnel_ = false;
};

}  // namespace weir::http2
