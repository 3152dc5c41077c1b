#include "filter/chain.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/text.h"

namespace weir::filter {
namespace {

using config::Choice;
using config::FilterSetting;

const config::KindEntry& entry_of(std::string_view name) { return *config::find_entry(filters(), name); }

std::string path_of(const Choice& choice, const config::OptionSpec& spec) {
  return spec.is_path ? config::option_or_default<std::string>(choice, spec) : std::string();
}

// The part of `chain` with that name, the `nth` of several; null: there is none.
const Chain::Part* find_part(const Chain* chain, std::string_view name, std::size_t nth) {
  if (chain == nullptr) return nullptr;
  for (const Chain::Part& part : chain->parts()) {
    if (part.choice.name == name && nth-- == 0) return &part;
  }
  return nullptr;
}

// Takes headers out that backends believe: where the filter that sets them is off, they would be the client's.
class Strip final : public Filter {
 public:
  explicit Strip(std::set<std::string> names) : names_(std::move(names)) {}
  Verdict on_request(Request& request, Memory&) const override {
    for (const std::string& name : names_) request.edit.remove(name);
    return Verdict::pass();
  }

 private:
  std::set<std::string> names_;
};

void collect_trusted(const std::vector<FilterSetting>& settings, std::set<std::string>& names) {
  for (const FilterSetting& setting : settings) {
    for (const config::OptionSpec& spec : entry_of(setting.name).options) {
      if (!spec.is_trusted_header) continue;
      for (const Choice& choice : setting.choices) {
        names.insert(base::to_lower(config::option_or_default<std::string>(choice, spec)));
      }
    }
  }
  names.erase("");
}

// In front of every chain of a listener, where a filter of it or of a route sets such headers.
std::vector<Chain::Part> first_parts(const config::Listener& listener) {
  std::set<std::string> names;
  collect_trusted(settings_of(listener), names);
  for (const config::Route& route : listener.routes) collect_trusted(route.filters.settings, names);
  if (names.empty()) return {};
  return {{.choice = {}, .texts = {}, .filter = std::make_shared<const Strip>(std::move(names))}};
}

class Maker {
 public:
  Maker(const Setting& setting, const Chains::TextOf& text_of) : setting_(setting), text_of_(text_of) {}

  void add(std::vector<Chain::Part>& parts, const FilterSetting& wanted, const Chain* previous) const {
    for (std::size_t i = 0; i < wanted.choices.size(); ++i) {
      parts.push_back(make(wanted.choices[i], find_part(previous, wanted.name, i)));
    }
  }

 private:
  Chain::Part make(const Choice& choice, const Chain::Part* previous) const {
    Chain::Part part{.choice = choice, .texts = {}, .filter = {}};
    for (const config::OptionSpec& spec : entry_of(choice.name).options) {
      std::string path = path_of(choice, spec);
      if (!path.empty()) part.texts.push_back(text_of_(path));
    }
    if (previous != nullptr && previous->choice == choice && previous->texts == part.texts) return *previous;
    Setting setting = setting_;
    setting.previous = previous == nullptr ? nullptr : previous->filter.get();
    setting.file = [&](std::string_view key) {
      for (const config::OptionSpec& spec : entry_of(choice.name).options) {
        if (spec.key == key) return text_of_(path_of(choice, spec));
      }
      return std::shared_ptr<const std::string>();
    };
    part.filter = make_filter(choice, setting);
    return part;
  }

  const Setting& setting_;
  const Chains::TextOf& text_of_;
};

std::shared_ptr<const Chain> chain_of(std::vector<Chain::Part> parts) {
  return parts.empty() ? nullptr : std::make_shared<const Chain>(std::move(parts));
}

Choice body_of_limits(const config::Listener& listener) {
  Choice choice = config::default_choice(entry_of("body"));
  choice.options["max"] = static_cast<std::int64_t>(listener.limits.body_bytes);
  return choice;
}

Choice hsts_of_tls(const config::Hsts& hsts) {
  Choice choice = config::default_choice(entry_of("hsts"));
  choice.options["max_age"] = hsts.max_age;
  choice.options["include_subdomains"] = hsts.include_subdomains;
  choice.options["preload"] = hsts.preload;
  return choice;
}

// The setting of one filter for a route: its own, or the listener's. Null: none.
const FilterSetting* setting_for(const config::Route& route, const std::vector<FilterSetting>& of_listener,
                                 const config::KindEntry& entry) {
  if (route.redirect && !entry.traits.guards_redirects) return nullptr;
  if (const FilterSetting* own = route.filters.find(entry.name)) return own;
  auto found = std::ranges::find(of_listener, entry.name, &FilterSetting::name);
  return found == of_listener.end() ? nullptr : &*found;
}

}  // namespace

std::vector<FilterSetting> settings_of(const config::Listener& listener) {
  std::vector<FilterSetting> all;
  for (const config::KindEntry& entry : filters()) {
    if (const FilterSetting* own = listener.filters.find(entry.name)) {
      all.push_back(*own);
    } else if (entry.name == "body" && listener.limits.body_bytes > 0) {
      all.push_back({.name = "body", .choices = {body_of_limits(listener)}});
    } else if (entry.name == "hsts" && listener.tls && listener.tls->hsts.max_age > config::Duration(0)) {
      all.push_back({.name = "hsts", .choices = {hsts_of_tls(listener.tls->hsts)}});
    }
  }
  return all;
}

std::vector<FilterSetting> settings_of(const config::Listener& listener, const config::Route& route) {
  std::vector<FilterSetting> of_listener = settings_of(listener);
  std::vector<FilterSetting> all;
  for (const config::KindEntry& entry : filters()) {
    const FilterSetting* setting = setting_for(route, of_listener, entry);
    if (setting != nullptr && !setting->choices.empty()) all.push_back(*setting);
  }
  return all;
}

Chains::Chains(const config::Listener& listener, const Setting& setting, const TextOf& text_of,
               const Chains* previous) {
  Maker maker(setting, text_of);
  std::vector<FilterSetting> of_listener = settings_of(listener);
  const std::vector<Chain::Part> first = first_parts(listener);
  std::vector<Chain::Part> parts = first;
  const Chain* former = previous == nullptr ? nullptr : previous->of_listener_.get();
  for (const FilterSetting& wanted : of_listener) maker.add(parts, wanted, former);
  of_listener_ = chain_of(std::move(parts));
  for (const config::Route& route : listener.routes) {
    names_.push_back(route.name);
    if (route.filters.settings.empty() && !route.redirect) {
      of_route_.push_back(of_listener_);
      continue;
    }
    parts = first;
    former = nullptr;
    for (std::size_t i = 0; previous != nullptr && i < previous->names_.size(); ++i) {
      if (previous->names_[i] == route.name) former = previous->of_route_[i].get();
    }
    for (const config::KindEntry& entry : filters()) {
      const FilterSetting* wanted = setting_for(route, of_listener, entry);
      if (wanted == nullptr) continue;
      bool is_own = route.filters.find(entry.name) != nullptr;
      if (is_own) maker.add(parts, *wanted, former);
      // The listener's filter is one for all routes that have no own.
      for (std::size_t i = 0; !is_own && i < wanted->choices.size(); ++i) {
        parts.push_back(*find_part(of_listener_.get(), wanted->name, i));
      }
    }
    of_route_.push_back(chain_of(std::exchange(parts, {})));
  }
}

bool Chains::empty() const {
  auto has_some = [](const std::shared_ptr<const Chain>& chain) { return chain != nullptr; };
  return !has_some(of_listener_) && std::ranges::none_of(of_route_, has_some);
}

}  // namespace weir::filter
