#include "control/filters.h"

#include <fmt/format.h>
#include <utility>

#include "base/log.h"

namespace weir::control {

// Puts one state together.
class Filters::Loader {
 public:
  Loader(Filters& owner, Reading reading) : owner_(owner), reading_(reading) {}

  void load(State& state, const config::Listener& listener) {
    OfListener next{.config = listener};
    auto present = owner_.now_.listeners.find(listener.name);
    const OfListener* before = present == owner_.now_.listeners.end() ? nullptr : &present->second;
    read_files(next, before, "listeners." + listener.name, listener.origin, filter::settings_of(listener));
    for (const config::Route& route : listener.routes) {
      read_files(next, before, "routes." + route.name, route.origin, filter::settings_of(listener, route));
    }
    if (!faults_.empty()) return;
    if (before != nullptr && before->config == listener && before->texts == next.texts) {
      next.chains = before->chains;
    } else if (owner_.passwords_ != nullptr) {
      make_chains(next, before);
    }
    state.listeners.emplace(listener.name, std::move(next));
  }
  config::Faults take_faults() { return std::move(faults_); }

 private:
  void read_files(OfListener& next, const OfListener* before, const std::string& what, const config::Origin& origin,
                  const std::vector<config::FilterSetting>& settings) {
    for (const config::FilterSetting& setting : settings) {
      const config::KindEntry& entry = *config::find_entry(filter::filters(), setting.name);
      for (const config::Choice& choice : setting.choices) {
        for (const config::OptionSpec& spec : entry.options) {
          if (!spec.is_path) continue;
          auto path = config::option_or_default<std::string>(choice, spec);
          if (path.empty() || next.texts.contains(path)) continue;
          std::string place = fmt::format("{}.filters.{}.{}", what, setting.name, spec.key);
          if (Text text = text_of(path, entry, spec, before, origin, place)) next.texts.emplace(path, std::move(text));
        }
      }
    }
  }

  // The text of a good file, or what was good before where a bad one may not stop the rest; else null and a fault.
  Text text_of(const std::string& path, const config::KindEntry& entry, const config::OptionSpec& spec,
               const OfListener* before, const config::Origin& origin, const std::string& place) {
    Text known;
    if (before != nullptr && before->texts.contains(path)) known = before->texts.at(path);
    if (known != nullptr && reading_ == Reading::known) {
      owner_.files_.keep(path);
      return known;
    }
    auto text = owner_.files_.read(path, true);
    std::string why = text ? std::string() : text.error();
    if (text && *text != known && entry.file_fault != nullptr) why = entry.file_fault(spec.key, **text);
    if (why.empty()) return *text;
    std::string message = fmt::format("{}: {}", path, why);
    if (known != nullptr && reading_ == Reading::tolerant) {
      base::log_error("{}: {}; what is in use stays", place, message);
      return known;
    }
    faults_.push_back({origin, place, std::move(message)});
    return nullptr;
  }

  void make_chains(OfListener& next, const OfListener* before) const {
    filter::Setting setting{.workers = owner_.workers_, .passwords = owner_.passwords_};
    auto text_of = [&](const std::string& path) { return next.texts.at(path); };
    auto chains = std::make_shared<const filter::Chains>(next.config, setting, text_of,
                                                         before == nullptr ? nullptr : before->chains.get());
    if (!chains->empty()) next.chains = std::move(chains);
  }

  Filters& owner_;
  Reading reading_;
  config::Faults faults_;
};

config::Faults Filters::prepare(const Effective& wanted, Reading reading) {
  next_.emplace();
  Loader loader(*this, reading);
  for (const config::Listener& listener : wanted.config->listeners) loader.load(*next_, listener);
  config::Faults faults = loader.take_faults();
  if (!faults.empty()) next_.reset();
  return faults;
}

void Filters::accept() {
  if (!next_) return;
  now_ = std::move(*next_);
  next_.reset();
  files_.forget_unused();
}

std::shared_ptr<const filter::Chains> Filters::of_listener(const std::string& name) const {
  auto found = now_.listeners.find(name);
  return found == now_.listeners.end() ? nullptr : found->second.chains;
}

}  // namespace weir::control
