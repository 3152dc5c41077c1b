// An answer that Weir gives itself: a redirect, a fixed response, an error, or what a filter says in place of a
// backend.
#pragma once

#include <cstdint>
#include <string_view>

#include "filter/added_fields.h"
#include "worker/termination.h"

namespace weir::filter {

// A whole answer but for what every one of them has (date, request id, the listener's and route's own fields), and for
// the framing, which is decided when it is sent. Views are static, of the snapshot, or in the exchange's arena.
struct Answer {
  std::uint16_t status = 500;
  worker::Termination termination = worker::Termination::ok;  // ok: the configuration asks for this answer
  std::string_view detail{};                                  // for the log
  AddedFields fields{};
  std::string_view body{};  // not sent in answer to HEAD
  // A refusal or an error in one sentence for people: a gRPC call gets it instead of the body. One without a body is
  // given the page that says the same.
  std::string_view message{};
};

}  // namespace weir::filter
