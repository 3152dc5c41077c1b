#include "exchange/filtering.h"

namespace weir::exchange {

using filter::Direction;
using filter::Verdict;

Filtering::Filtering(const filter::Chain& chain, const Facts& facts, const http::RequestHead& request,
                     std::uint32_t worker, base::Arena& arena)
    : chain_(chain),
      request_edit_(arena),
      response_edit_(arena),
      request_{.head = request,
               .client = facts.forwarded.client,
               .worker = worker,
               .now = facts.started,
               .arena = arena,
               .edit = request_edit_},
      memories_(chain.size()) {}

// The answer that ends the way through the filters, if `verdict` of the one before seen_ does.
std::optional<filter::Answer> Filtering::take(Verdict verdict) {
  is_waiting_ = verdict.kind == Verdict::Kind::wait;
  if (verdict.kind != Verdict::Kind::answer) return std::nullopt;
  return verdict.answer;
}

std::optional<filter::Answer> Filtering::on_request() {
  while (seen_ < chain_.size()) {
    std::size_t index = seen_++;
    std::optional<filter::Answer> answer = take(chain_[index].on_request(request_, memories_[index]));
    if (answer || is_waiting_) return answer;
  }
  return std::nullopt;
}

net::Task<std::optional<filter::Answer>> Filtering::resume() {
  while (is_waiting_) {
    std::optional<filter::Answer> answer = take(co_await chain_[seen_ - 1].resume(request_, memories_[seen_ - 1]));
    if (!answer) answer = on_request();
    if (answer) co_return answer;
  }
  co_return std::nullopt;
}

void Filtering::on_response(std::uint16_t status, const http::HeaderMap* headers) {
  response_edit_.clear();
  filter::Response response{.request = request_, .status = status, .headers = headers, .edit = response_edit_};
  for (std::size_t i = 0; i < chain_.size(); ++i) chain_[i].on_response(response, memories_[i]);
}

http::BodyFraming Filtering::begin_body(Direction direction, const http::BodyFraming& framing) {
  Stages& stages = stages_[static_cast<std::size_t>(direction)];
  stages.clear();
  http::BodyFraming behind = framing;
  if (framing.kind == http::BodyFraming::Kind::none) return behind;
  for (std::size_t i = 0; i < chain_.size(); ++i) {
    std::unique_ptr<filter::BodyStage> stage = chain_[i].stage(direction, behind, memories_[i]);
    if (stage == nullptr) continue;
    if (!stage->keeps_length()) behind = {.kind = http::BodyFraming::Kind::chunked};
    stages.push_back(std::move(stage));
  }
  return behind;
}

net::Task<base::Result<http::BodyPiece>> Filtering::pass(Direction direction, http::BodyPiece piece) {
  for (const std::unique_ptr<filter::BodyStage>& stage : stages_of(direction)) {
    base::Result<http::BodyPiece> passed = co_await stage->pass(piece);
    if (!passed) co_return passed;
    piece = *passed;
  }
  co_return piece;
}

void Filtering::end(const filter::End& end) noexcept {
  for (std::size_t i = 0; i < seen_; ++i) chain_[i].on_end(end, memories_[i]);
  seen_ = 0;
}

}  // namespace weir::exchange
