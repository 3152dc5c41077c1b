// The answers that Weir gives itself: redirects, fixed responses, errors, and what gRPC has instead of errors.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "exchange/facts.h"
#include "http/message.h"
#include "route/template.h"
#include "worker/termination.h"

namespace weir::exchange {

// Fields in the order they were added. Nodes and what they view live in the exchange's arena, or are static.
class AnswerFields {
 public:
  struct Node {
    http::HeaderField field;
    Node* next = nullptr;
  };
  class Iterator {
   public:
    explicit Iterator(const Node* node) : node_(node) {}
    const http::HeaderField& operator*() const { return node_->field; }
    Iterator& operator++() {
      node_ = node_->next;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Node* node_;
  };

  void add(std::string_view name, std::string_view value, base::Arena& arena);
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(nullptr); }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

// A whole answer but for what every one of them has (date, request id, the listener's and route's own fields), and for
// the framing, which send_answer() decides.
struct Answer {
  std::uint16_t status = 500;
  worker::Termination termination = worker::Termination::ok;  // ok: the configuration asks for this answer
  std::string_view detail{};                                  // for the log
  AnswerFields fields{};
  std::string_view body{};  // not sent in answer to HEAD
  // A refusal or an error in one sentence for people: a gRPC call gets it instead of the body.
  std::string_view message{};
};

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
