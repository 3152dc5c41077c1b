#include "http/accept.h"

#include "base/text.h"
#include "http/list.h"

namespace weir::http {
namespace {

// Thousandths, by RFC 9110 12.4.2; a malformed weight counts as 1.
int parse_weight(std::string_view text) {
  constexpr int kOne = 1000;
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return kOne;
  int weight = (text[0] - '0') * kOne;
  if (text.size() > 1 && text[1] != '.') return kOne;
  int unit = kOne / 10;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return kOne;
    weight += (text[i] - '0') * unit;
  }
  return weight > kOne ? kOne : weight;
}

// The weight of one kind of text: the highest of the most specific ranges that name it.
class Weight {
 public:
  void name(int specificity, int weight) {
    if (specificity < specificity_) return;
    weight_ = specificity > specificity_ || weight > weight_ ? weight : weight_;
    specificity_ = specificity;
  }
  int value() const { return weight_; }

 private:
  int specificity_ = -1;
  int weight_ = 0;
};

bool is(std::string_view text, std::string_view other) { return base::equal_ignoring_case(text, other); }

bool is_json(std::string_view type) {
  constexpr std::string_view kSuffix = "+json";
  return is(type, "application/json") ||
         (type.size() > kSuffix.size() && is(type.substr(type.size() - kSuffix.size()), kSuffix));
}

}  // namespace

bool prefers_json(const HeaderMap& headers) {
  Weight json;
  Weight plain;
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::accept) continue;
    std::string_view ranges = field.value;
    while (auto range = next_piece(ranges, ',')) {
      std::string_view rest = *range;
      const std::string_view type = next_piece(rest, ';').value_or("");
      int weight = 1000;
      while (auto parameter = next_piece(rest, ';')) {
        if (parameter->size() >= 2 && is(parameter->substr(0, 2), "q=")) weight = parse_weight(parameter->substr(2));
      }
      if (is(type, "*/*")) {
        json.name(0, weight);
        plain.name(0, weight);
      }
      if (is(type, "application/*")) json.name(1, weight);
      if (is(type, "text/*")) plain.name(1, weight);
      if (is_json(type)) json.name(2, weight);
      if (is(type, "text/plain") || is(type, "text/html")) plain.name(2, weight);
    }
  }
  return json.value() > plain.value();
}

}  // namespace weir::http
