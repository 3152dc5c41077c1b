// The answers that Weir gives itself: redirects, fixed responses, errors, and what gRPC has instead of errors.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "exchange/facts.h"
#include "filter/answer.h"
#include "http/message.h"
#include "route/template.h"
#include "worker/termination.h"

namespace weir::exchange {

using filter::Answer;

// An answer that its status says all about.
struct StatusAnswer {
  std::uint16_t status;
  std::string_view message;
};

// How an exchange ended that was answered by such a status; ok below 400.
worker::Termination termination_of_status(std::uint16_t status);

// `request` decides between JSON and plain text. The detail of one from 400 on is its message.
Answer status_answer(const StatusAnswer& what, const http::RequestHead& request, std::string_view request_id,
                     base::Arena& arena);
// Gives an answer that has a message and no body the page that says the same. `request` as above.
void complete(Answer& answer, const http::RequestHead& request, std::string_view request_id, base::Arena& arena);
// To what has failed with `error`; termination and detail are the caller's.
Answer error_answer(const base::Error& error, const http::RequestHead& request, std::string_view request_id,
                    base::Arena& arena);
// The answer of the configuration where there is no pool to send the request to: a redirect, a fixed response, or 404.
Answer route_answer(const Facts& facts, const http::RequestHead& request, const route::Values& values,
                    base::Arena& arena);
// `answer`, which has a message, as a client of gRPC takes it: status 200 and trailers only, among them `grpc_status`.
// `late`: the call's own deadline has passed.
Answer call_answer(const Answer& answer, unsigned grpc_status, bool late, base::Arena& arena);

}  // namespace weir::exchange
