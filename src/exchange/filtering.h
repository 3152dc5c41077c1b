// The filters on the way of one request and its response.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "exchange/facts.h"
#include "filter/chain.h"

namespace weir::exchange {

// Made where there are filters, and only there. On the worker's thread; what it is made with outlives it.
class Filtering {
 public:
  Filtering(const filter::Chain& chain, const Facts& facts, const http::RequestHead& request, std::uint32_t worker,
            base::Arena& arena);
  Filtering(const Filtering&) = delete;
  Filtering& operator=(const Filtering&) = delete;

  // Through all filters, until one answers the request or must wait. Nothing: it goes on, unless is_waiting().
  std::optional<filter::Answer> on_request();
  bool is_waiting() const { return is_waiting_; }
  // The rest of the way behind a filter that waits.
  net::Task<std::optional<filter::Answer>> resume();

  // Lets all filters change the head of a final response, each time one is about to be sent.
  void on_response(std::uint16_t status, const http::HeaderMap* headers);
  const filter::HeadEdit& request_edit() const { return request_edit_; }
  const filter::HeadEdit& response_edit() const { return response_edit_; }

  // The stages of a body that begins: for each try of a request, and for a response. How it is framed behind them.
  http::BodyFraming begin_body(filter::Direction direction, const http::BodyFraming& framing);
  bool has_stages(filter::Direction direction) const { return !stages_of(direction).empty(); }
  net::Task<base::Result<http::BodyPiece>> pass(filter::Direction direction, http::BodyPiece piece);

  void end(const filter::End& end) noexcept;

 private:
  using Stages = std::vector<std::unique_ptr<filter::BodyStage>>;
  const Stages& stages_of(filter::Direction direction) const { return stages_[static_cast<std::size_t>(direction)]; }
  std::optional<filter::Answer> take(filter::Verdict verdict);

  const filter::Chain& chain_;
  filter::HeadEdit request_edit_;
  filter::HeadEdit response_edit_;
  filter::Request request_;
  std::vector<filter::Memory> memories_;
  std::size_t seen_ = 0;  // filters whose on_request() was called
  bool is_waiting_ = false;
  std::array<Stages, 2> stages_;
};

inline bool has_stages(const Filtering* filters, filter::Direction direction) {
  return filters != nullptr && filters->has_stages(direction);
}

}  // namespace weir::exchange
