#include "filter/address_filter.h"

#include <algorithm>
#include <fmt/format.h>

#include "config/text_rules.h"

namespace weir::filter {

namespace {

constexpr std::string_view kKey = "addresses";

const std::vector<std::string>* texts_of(const config::Choice& choice) {
  auto found = choice.options.find(std::string(kKey));
  return found == choice.options.end() ? nullptr : std::get_if<std::vector<std::string>>(&found->second);
}

}  // namespace

config::OptionSpec addresses_option(std::string_view summary) {
  return {.key = kKey,
          .type = config::OptionType::text_list,
          .default_value = std::vector<std::string>(),
          .summary = summary};
}

std::vector<config::OptionFault> addresses_faults(const config::Choice& choice) {
  const std::vector<std::string>* texts = texts_of(choice);
  if (texts == nullptr || texts->empty()) {
    return {{kKey, "must list at least one address or block, such as 192.0.2.7 or 10.0.0.0/8"}};
  }
  std::vector<config::OptionFault> faults;
  for (const std::string& text : *texts) {
    if (base::Cidr::parse(text)) continue;
    faults.push_back(
        {kKey, fmt::format("{} is no address and no block such as 10.0.0.0/8 or 2001:db8::/32", config::quoted(text))});
  }
  return faults;
}

AddressList::AddressList(const config::Choice& choice) {
  for (const std::string& text : *texts_of(choice)) blocks_.push_back(*base::Cidr::parse(text));
}

bool AddressList::contains(const base::IpAddress& address) const {
  return std::ranges::any_of(blocks_, [&](const base::Cidr& block) { return block.contains(address); });
}

}  // namespace weir::filter
