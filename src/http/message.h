// The message model that all HTTP versions share: heads as views into the bytes they were parsed from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::http {

enum class Version : std::uint8_t { http_1_0, http_1_1, http_2 };

// Names the proxy itself looks at. `other` is everything else. known_headers.def lists name and id.
enum class HeaderId : std::uint8_t {
  other,
#define WEIR_HEADER(id, name) id,
#include "http/known_headers.def"
#undef WEIR_HEADER
};
// The id of a field name, ignoring case. One lookup by a perfect hash of length, first and last byte, and one
// comparison: a few ns.
HeaderId header_id(std::string_view name);
// The name as known_headers.def writes it, in lower case; "" for other.
std::string_view header_name(HeaderId id);

struct HeaderField {
  std::string_view name;   // as received
  std::string_view value;  // without surrounding white space
  HeaderId id = HeaderId::other;
  bool never_indexed = false;  // HTTP/2: must stay out of the next hop's compression table as well (RFC 7541 6.2.3)
};

// The fields of a head in the order they were received. Keeps its capacity over clear(), so a reused map does not
// allocate.
class HeaderMap {
 public:
  void clear() { fields_.clear(); }
  void add(std::string_view name, std::string_view value) { fields_.push_back({name, value, header_id(name)}); }
  void add(const HeaderField& field) { fields_.push_back(field); }
  // The first field with that id or name (ignoring case), or null.
  const HeaderField* find(HeaderId id) const;
  const HeaderField* find(std::string_view name) const;
  // Null as well when there are several: another reader may take another one of them.
  const HeaderField* find_only(std::string_view name) const;
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  // Forgets all but the first `count` fields.
  void keep_first(std::size_t count) { fields_.resize(count); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  HeaderField& operator[](std::size_t index) { return fields_[index]; }
  const HeaderField& operator[](std::size_t index) const { return fields_[index]; }

 private:
  std::vector<HeaderField> fields_;
};

// The form of a request target (RFC 9112 section 3.2).
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

// How the body of a message ends (RFC 9112 section 6.3).
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close } kind = Kind::none;
  std::uint64_t length = 0;
  friend bool operator==(const BodyFraming&, const BodyFraming&) = default;
};

// Every view points into the buffer the head was parsed from, or into the exchange's arena.
struct RequestHead {
  std::string_view method;
  std::string_view target;  // as received
  TargetForm form = TargetForm::origin;
  std::string_view scheme;       // of an absolute-form target as received, else empty
  std::string_view authority;    // host[:port]: of the target if absolute, else of Host; may be empty in HTTP/1.0
  std::string_view path;         // "/..."; "*" for OPTIONS on the whole server; empty for CONNECT
  std::string_view routed_path;  // of canonicalize() (http/target.h): `path` as routes compare it
  std::string_view query;        // after '?', without it
  bool has_query = false;        // "/x?" has an empty one
  Version version = Version::http_1_1;
  HeaderMap headers;
  BodyFraming body;
  bool keep_alive = true;         // what version and Connection say together
  bool expects_continue = false;  // Expect: 100-continue, in HTTP/1.1 and with a body to come
  bool wants_upgrade = false;     // Connection: upgrade with exactly one Upgrade field, in HTTP/1.1
  std::string_view upgrade;       // the value of that field; empty unless wants_upgrade
  bool extended_connect = false;  // HTTP/2: the upgrade was asked for by an extended CONNECT (RFC 8441)

  // As default-constructed, but the header map keeps its capacity.
  void clear();
};

struct ResponseHead {
  std::uint16_t status = 0;
  std::string_view reason;
  Version version = Version::http_1_1;
  HeaderMap headers;
  BodyFraming body;
  bool keep_alive = true;  // false as well when the body runs until close, or when a status without a body claims one

  // As default-constructed, but the header map keeps its capacity.
  void clear();
};

// A parser's verdict on the bytes so far.
struct Parsed {
  enum class State : std::uint8_t { incomplete, complete, invalid } state = State::incomplete;
  std::size_t consumed = 0;  // of a complete head: its length with the empty line
  std::uint16_t status =
      0;  // of an invalid request: 400, 414, 431, 501 or 505. Of an invalid response: 502, or 431 beyond a limit
  const char* what = "";  // which rule was broken, with its source: "bare CR in header (RFC 9112 2.2)"
};

}  // namespace weir::http
