// The heads that go out: the request as the backend sees it, the response as the client sees it, answers of Weir's own.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "exchange/answer.h"
#include "exchange/facts.h"
#include "exchange/head_source.h"
#include "filter/head_edit.h"
#include "http/head_writer.h"
#include "http/message.h"
#include "route/template.h"

namespace weir::exchange {

// The values behind every head of an exchange. Borrowed until the head is written.
struct HeadContext {
  const Facts& facts;
  const http::RequestHead& request;
  const route::Values& values;  // of the variables in changes and rewrites
  base::Arena& arena;
  const filter::HeadEdit* request_edit = nullptr;  // of filters; null: none
  const filter::HeadEdit* response_edit = nullptr;
};

struct RequestHop {
  std::string_view received_text{};  // the bytes that the head was parsed from, as HTTP/1 field lines; else empty
  std::uint16_t listener_port = 0;   // for X-Forwarded-Port, where the listener adds it
  bool drops_length = false;         // filters change the length of the body
  std::string_view call_timeout{};   // what is left of a gRPC call's deadline; empty: it has none
};

struct ResponseHop {
  const http::ResponseHead& response;
  std::string_view received_text{};  // as above
  std::string_view date{};           // to add; empty: the response has one
  std::string_view sticky_cookie{};  // to set; empty: none
  bool drops_length = false;         // as above
};

// Start line and end-to-end fields; the fields of the hop and the end of the head are the side's own (HeadSource).
// False: the route's rewrite makes no usable target or host of this request.
bool write_request_head(http::HeadWriter& writer, const HeadContext& context, const RequestHop& hop);
bool write_response_head(http::HeadWriter& writer, const HeadContext& context, const ResponseHop& hop);
// With Content-Length.
bool write_answer_head(http::HeadWriter& writer, const HeadContext& context, const Answer& answer);

// One of them as a source. Borrows what it is made of.
template <typename Made, bool (*write_head)(http::HeadWriter&, const HeadContext&, const Made&)>
class HeadOf final : public HeadSource {
 public:
  using Of = Made;
  HeadOf(const HeadContext& context, const Made& of) : context_(context), of_(of) {}
  bool write(http::HeadWriter& writer) const override { return write_head(writer, context_, of_); }

 private:
  const HeadContext& context_;
  const Made& of_;
};
using RequestForBackend = HeadOf<RequestHop, write_request_head>;
using ResponseForClient = HeadOf<ResponseHop, write_response_head>;
using AnswerForClient = HeadOf<Answer, write_answer_head>;

}  // namespace weir::exchange
