// A step of the request's way that may answer, change or watch it. One filter is one file; filters.def lists them all,
// in the order in which requests go through them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/ip.h"
#include "config/kinds.h"
#include "filter/answer.h"
#include "filter/head_edit.h"
#include "http/h1_body.h"
#include "http/message.h"
#include "net/task.h"

namespace weir::filter {

class PasswordChecks;

// A request as filters see it: its route is found, and nothing has been sent anywhere.
struct Request {
  const http::RequestHead& head;
  const base::IpAddress& client;  // behind trusted proxies
  std::uint32_t worker;           // the index of the one that serves it
  base::TimePoint now;
  base::Arena& arena;
  HeadEdit& edit;  // of what the backend gets
};

// Its response, of a backend or of Weir, before the head is written. Interim ones are not seen.
struct Response {
  const Request& request;
  std::uint16_t status;
  const http::HeaderMap* headers;  // of a backend's response; null: Weir answers itself
  HeadEdit& edit;                  // of what the client gets
};

// The exchange is over.
struct End {
  std::uint16_t status;  // that the client got
  worker::Termination termination;
  std::uint64_t bytes_in;
  std::uint64_t bytes_out;
  base::Nanoseconds duration;
};

struct Verdict {
  enum class Kind : std::uint8_t {
    pass,
    answer,  // with `answer`; later filters do not see the request
    wait,    // resume() says what becomes of it
  };
  static Verdict pass() { return {}; }
  static Verdict wait() { return {.kind = Kind::wait}; }
  static Verdict answered(Answer answer) { return {.kind = Kind::answer, .answer = answer}; }

  Kind kind = Kind::pass;
  Answer answer{};
};

// A pointer that a filter keeps for one request, from its on_request() to its on_end(); null at first.
using Memory = void*;

enum class Direction : std::uint8_t { request, response };

// Stands in a body's way, for one try of a request or for one response. On the worker's thread.
class BodyStage {
 public:
  virtual ~BodyStage() = default;
  // Gives the piece that goes on in place of `piece`, with the same `last`; valid until the next call. May wait, with a
  // deadline of its own. An error ends the exchange: of the client, where its body is at fault (too_large: 413).
  virtual net::Task<base::Result<http::BodyPiece>> pass(http::BodyPiece piece) = 0;
  // False: the body that goes on may have another length, so the message is framed without one.
  virtual bool keeps_length() const { return true; }
};

// A filter of one listener or route. Made on the control thread, then used by all workers at once: every function is
// thread-safe and lock-free, and none but resume() and stages may wait.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual Verdict on_request(Request& request, Memory& memory) const = 0;
  // After a Verdict::wait(), to which this is the answer: pass or answered. Bounded by a deadline of the filter's.
  virtual net::Task<Verdict> resume(Request& request, Memory& memory) const {
    static_cast<void>(request), static_cast<void>(memory);
    co_return Verdict::pass();
  }
  // Also of responses to requests that an earlier filter answered, or that were refused before any saw them.
  virtual void on_response(const Response& response, Memory& memory) const {
    static_cast<void>(response), static_cast<void>(memory);
  }
  // The stage for a body that arrives framed as `framing` says; null: none.
  virtual std::unique_ptr<BodyStage> stage(Direction direction, const http::BodyFraming& framing,
                                           Memory& memory) const {
    static_cast<void>(direction), static_cast<void>(framing), static_cast<void>(memory);
    return nullptr;
  }
  // Once for each request that on_request() has seen.
  virtual void on_end(const End& end, Memory& memory) const noexcept {
    static_cast<void>(end), static_cast<void>(memory);
  }
};

// The surroundings that a filter is made in. All of it but `file` and `previous` outlives the filter.
struct Setting {
  std::uint32_t workers = 1;
  PasswordChecks* passwords = nullptr;
  // The text of the file that an option (is_path) names, which file_fault() has taken.
  std::function<std::shared_ptr<const std::string>(std::string_view key)> file{};
  // The filter of that name which the listener or route had before, if any: its state may be taken over.
  const Filter* previous = nullptr;
};

// Makes the filter that `choice` names, with all its options. Asserts that the name is registered (configurations are
// validated before).
std::shared_ptr<const Filter> make_filter(const config::Choice& choice, const Setting& setting);

// The table of filters.def, in its order.
std::span<const config::KindEntry> filters();

}  // namespace weir::filter
