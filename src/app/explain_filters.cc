#include "app/explain_filters.h"

#include <algorithm>
#include <fmt/format.h>

#include "filter/chain.h"

namespace weir::app {

ExplainedFilters explain_filters(const config::Listener& listener, const config::Route* route,
                                 const http::RequestHead& head, const base::IpAddress& client, base::Arena& arena) {
  ExplainedFilters told;
  filter::HeadEdit edit(arena);
  filter::Request request{
      .head = head, .client = client, .worker = 0, .now = base::TimePoint(), .arena = arena, .edit = edit};
  auto settings = route == nullptr ? filter::settings_of(listener) : filter::settings_of(listener, *route);
  for (const config::FilterSetting& setting : settings) {
    const config::KindEntry& entry = *config::find_entry(filter::filters(), setting.name);
    if (!told.names.empty()) told.names += ", ";
    told.names += setting.name;
    if (!told.answer.empty() || std::ranges::any_of(entry.options, &config::OptionSpec::is_path)) continue;
    for (const config::Choice& choice : setting.choices) {
      filter::Memory memory = nullptr;
      auto made = filter::make_filter(choice, {});
      filter::Verdict verdict = made->on_request(request, memory);
      if (verdict.kind != filter::Verdict::Kind::answer) continue;
      std::string_view said = verdict.answer.detail.empty() ? verdict.answer.message : verdict.answer.detail;
      std::string_view word = verdict.answer.status < 400 ? "answered" : "refused";
      told.answer = fmt::format("{} with {} by the filter {}{}{}", word, verdict.answer.status, setting.name,
                                said.empty() ? "" : ": ", said);
      break;
    }
  }
  return told;
}

}  // namespace weir::app
