// How an intermediary changes a message on its way: which fields end at this hop, Via, Max-Forwards (RFC 9110 7.6).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "http/h1_codec.h"
#include "http/head_writer.h"
#include "http/message.h"

namespace weir::http {

// Decides which fields of one message end at this hop (RFC 9110 7.6.1). Borrows the header map's bytes.
//
// Always: Connection, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding and Upgrade; Weir writes its own where the
// next hop needs them. Besides those, each field that Connection names, unless it is one that Weir knows as meant for
// all recipients (Host, Content-Length, Authorization, Cookie, X-Forwarded-For, X-Request-Id, Cache-Control and so on:
// the list is connection_may_name's). RFC 9110 forbids senders to name those; obeying would let a client strip what the
// hop before Weir added, so such an option is ignored and the field goes on.
//
// Going on: Proxy-Authenticate and Proxy-Authorization, which belong to the first proxy that asked for credentials, and
// Weir never does (RFC 9110 11.7); Trailer, since Weir passes trailers on; Content-Length, for the caller to drop where
// it changes the framing.
class HopByHop {
 public:
  explicit HopByHop(const HeaderMap& headers);
  // Nothing is named by Connection: only the fixed list ends here.
  HopByHop() {}

  bool ends_here(const HeaderField& field) const {
    if (field.id != HeaderId::other && is_fixed(field.id)) return true;
    return named_ != 0 && is_named(field);
  }

 private:
  static bool is_fixed(HeaderId id);
  bool is_named(const HeaderField& field) const;

  // Left as it is up to `named_`: one is made for each request and response, and hardly any has names.
  struct Name {
    const char* data;
    std::size_t size;
  };

  std::size_t named_ = 0;
  std::array<Name, kMaxConnectionOptions> names_;
};

// Whether a Connection option may end the field with this id at the hop.
bool connection_may_name(HeaderId id);

// Whether `token` is among the options of the Connection fields, ignoring case.
bool connection_has(const HeaderMap& headers, std::string_view token);

// Whether the sender of a request takes trailers: "trailers" among the members of TE (RFC 9110 10.1.4). Only then may a
// response's trailers be forwarded to it rather than dropped.
bool accepts_trailers(const HeaderMap& headers);

// Whether a field that came in a trailer section may be forwarded in one. False for those that frame or route the
// message, authenticate, or control it, which no recipient may take from there (RFC 9110 6.5.1).
bool trailer_may_pass(const HeaderField& field);

// Whether a name is, or reads as to a backend that takes '_' for '-' (RFC 3875 4.1.18), one of the fields in which Weir
// alone speaks to backends: X-Client-Cert-*, X-Forwarded-For, -Proto and -Host, X-Request-Id.
bool is_said_by_proxies(std::string_view name);

// Whether a name is `plain`, which is in lower case, or reads as it to such a backend.
bool reads_as(std::string_view name, std::string_view plain);

// Whether a name is, or reads as to such a backend, one by which proxies speak of the client, its connection or the
// request's own path: X-Forwarded-*, X-Real-IP, Forwarded, X-Original-URL and the like. Only trusted peers may send
// them on.
bool speaks_for_proxies(std::string_view name);

// Whether a request's trailer may be forwarded: trailer_may_pass(), and nothing by which a backend that merges trailers
// into the head would learn who the client is.
bool request_trailer_may_pass(const HeaderField& field);

// "Via: 1.1 name": as a line of its own behind the lines received, which is the same as appending to their list (RFC
// 9110 5.3 and 7.6.3). `received` is the version in which the message came; `pseudonym` a token.
void write_via(HeadWriter& writer, Version received, std::string_view pseudonym);

// How Max-Forwards lets a request go on (RFC 9110 7.6.2). The field means nothing unless the method is TRACE or
// OPTIONS; a value that is no number is passed on as it is.
struct MaxForwards {
  enum class Action : std::uint8_t { none, respond, forward } action = Action::none;
  std::uint64_t value = 0;  // of forward: what to send on instead, one less than received
};
MaxForwards max_forwards(const RequestHead& head);

// Writes to `writer` the fields of `headers` for which keep(field) holds, in order. Runs of kept fields that lie behind
// one another in `source`, the bytes that the head was parsed from, are copied in one piece.
template <typename Keep>
void write_fields(HeadWriter& writer, const HeaderMap& headers, std::string_view source, Keep&& keep) {
  const auto first = reinterpret_cast<std::uintptr_t>(source.data());
  const char* run = nullptr;  // start of the kept lines in source that are not written yet
  const char* run_end = nullptr;
  auto flush = [&] {
    if (run != nullptr) writer.raw({run, static_cast<std::size_t>(run_end - run)});
    run = nullptr;
  };
  for (const HeaderField& field : headers) {
    if (!keep(field)) continue;
    // A line of `source` in its plain form: "name: value\r\n".
    const auto name = reinterpret_cast<std::uintptr_t>(field.name.data());
    const auto value = reinterpret_cast<std::uintptr_t>(field.value.data());
    const bool plain = writer.is_text() && name - first < source.size() && value == name + field.name.size() + 2 &&
                       value - first + field.value.size() + 2 <= source.size() &&
                       field.value.data()[field.value.size()] == '\r';
    if (!plain) {
      flush();
      writer.field(field);
      continue;
    }
    if (run == nullptr || run_end != field.name.data()) {
      flush();
      run = field.name.data();
    }
    run_end = field.value.data() + field.value.size() + 2;
  }
  flush();
}

}  // namespace weir::http
