// Bounds the bodies of requests: their length, and what they may be.
#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/text.h"
#include "config/text_rules.h"
#include "filter/filter.h"

namespace weir::filter {
namespace {

using config::OptionSpec;
using config::OptionType;

enum Key : std::size_t { max, require_length, types };

const std::array<OptionSpec, 3>& options() {
  static const std::array<OptionSpec, 3> kOptions{{
      {.key = "max",
       .type = OptionType::integer,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 1e15,
       .summary = "the longest body, longer: 413; 0 is without limit",
       .unit = config::Unit::bytes},
      {.key = "require_length",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "refuse bodies whose length is not said at first: 411"},
      {.key = "types",
       .type = OptionType::text_list,
       .default_value = std::vector<std::string>(),
       .summary = "the media types that bodies may have, such as application/json or image/*; others: 415"},
  }};
  return kOptions;
}

constexpr base::Error kTooLarge{.code = base::ErrorCode::too_large,
                                .side = base::Side::client,
                                .what = "the request body is larger than limits.body_bytes or filters.body.max"};

// Counts a body whose length is not known before its end.
class Count final : public BodyStage {
 public:
  explicit Count(std::uint64_t most) : left_(most) {}
  net::Task<base::Result<http::BodyPiece>> pass(http::BodyPiece piece) override {
    if (piece.data.size() > left_) co_return std::unexpected(kTooLarge);
    left_ -= piece.data.size();
    co_return piece;
  }

 private:
  std::uint64_t left_;
};

// "application/json; charset=utf-8" as "application/json".
std::string_view media_type(std::string_view value) { return base::trim(value.substr(0, value.find(';'))); }

bool is_of_type(std::string_view type, std::string_view wanted) {
  if (!wanted.ends_with("/*")) return base::equal_ignoring_case(type, wanted);
  std::string_view group = wanted.substr(0, wanted.size() - 1);
  return type.size() > group.size() && base::equal_ignoring_case(type.substr(0, group.size()), group);
}

class Body final : public Filter {
 public:
  explicit Body(const config::Choice& choice)
      : max_(static_cast<std::uint64_t>(config::option_or_default<std::int64_t>(choice, options()[max]))),
        require_length_(config::option_or_default<bool>(choice, options()[require_length])),
        types_(config::option_or_default<std::vector<std::string>>(choice, options()[types])) {}

  Verdict on_request(Request& request, Memory&) const override {
    using Kind = http::BodyFraming::Kind;
    const http::BodyFraming& body = request.head.body;
    if (body.kind == Kind::none) return Verdict::pass();
    bool has_length = body.kind == Kind::length;
    if (has_length && max_ > 0 && body.length > max_) {
      return Verdict::answered({.status = 413,
                                .termination = worker::Termination::client_too_large,
                                .detail = kTooLarge.what,
                                .message = "The body is larger than is accepted here."});
    }
    bool is_empty = has_length && body.length == 0;
    if (require_length_ && !has_length)
      return refused(411, "filters.body.require_length: the request says no length",
                     "The length of the body must be said at first.");
    if (!is_empty && !types_.empty() && !takes_type(request)) return unsupported(request);
    return Verdict::pass();
  }

  std::unique_ptr<BodyStage> stage(Direction direction, const http::BodyFraming& framing, Memory&) const override {
    // on_request() has compared a length that the head says.
    bool is_open = framing.kind != http::BodyFraming::Kind::length && framing.kind != http::BodyFraming::Kind::none;
    if (direction != Direction::request || max_ == 0 || !is_open) return nullptr;
    return std::make_unique<Count>(max_);
  }

 private:
  static Verdict refused(std::uint16_t status, std::string_view detail, std::string_view message) {
    return Verdict::answered(
        {.status = status, .termination = worker::Termination::refused, .detail = detail, .message = message});
  }
  bool takes_type(const Request& request) const {
    const http::HeaderField* field = request.head.headers.find_only("content-type");
    if (field == nullptr) return false;
    std::string_view type = media_type(field->value);
    return std::ranges::any_of(types_, [&](const std::string& wanted) { return is_of_type(type, wanted); });
  }
  // Says which types would do (RFC 9110 15.5.16).
  Verdict unsupported(Request& request) const {
    Verdict verdict = refused(415, "filters.body.types: the body is of none of these types",
                              "Bodies of this type are not accepted here.");
    std::string all;
    for (const std::string& type : types_) all += (all.empty() ? "" : ", ") + type;
    verdict.answer.fields.add("accept", request.arena.copy(all), request.arena);
    return verdict;
  }

  std::uint64_t max_;
  bool require_length_;
  std::vector<std::string> types_;
};

bool is_media_type(std::string_view text) {
  auto slash = text.find('/');
  if (slash == std::string_view::npos || !config::is_token(text.substr(0, slash))) return false;
  return config::is_token(text.substr(slash + 1)) && text.substr(0, slash) != "*";
}

}  // namespace

std::span<const OptionSpec> body_options() { return options(); }

std::vector<config::OptionFault> body_faults(const config::Choice& choice) {
  std::vector<config::OptionFault> faults;
  for (const std::string& type : config::option_or_default<std::vector<std::string>>(choice, options()[types])) {
    if (is_media_type(type)) continue;
    faults.push_back(
        {"types", fmt::format("{} is no media type such as application/json or image/*", config::quoted(type))});
  }
  return faults;
}

std::string_view body_sample() { return "{max: 10MB, types: [application/json]}"; }
std::shared_ptr<const Filter> make_body(const config::Choice& choice, const Setting&) {
  return std::make_shared<Body>(choice);
}

}  // namespace weir::filter
