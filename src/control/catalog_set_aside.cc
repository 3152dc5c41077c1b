// How the catalog leaves out what does not fit, and takes it back.
#include <fmt/format.h>
#include <utility>

#include "base/log.h"
#include "control/catalog.h"

namespace weir::control {

// The objects in effect with those that are set aside and can be read, which are not overwritten. Notes why others
// cannot.
Objects Catalog::with_set_aside() {
  Objects all = objects_;
  for (auto& [name, object] : set_aside_) {
    if (contains(objects_, name)) continue;
    Objects read;
    config::Faults faults = read_into(read, {.kind = name.kind, .name = name.name, .json = object.json}, kinds_);
    if (faults.empty() && name.kind != kOverrideKind && !contains(read, name)) {
      faults.push_back({{"store", 0, 0}, "", "is stored under another name than its own"});
    }
    if (faults.empty()) {
      copy(name, read, all);
      continue;
    }
    std::string reason = reason_of(faults.front());
    if (std::exchange(object.reason, reason) == reason) continue;
    base::log_warning("{} of the store is set aside: {}", name.text(), reason);
    if (resources_.set_aside) resources_.set_aside(name, reason);
  }
  return all;
}

std::set<std::string> Catalog::certificates_set_aside() const {
  std::set<std::string> names;
  for (const auto& [name, object] : set_aside_) {
    if (name.kind == kCertificateKind) names.insert(name.name);
  }
  return names;
}

// The largest part of `all` that goes with `file` and `fitting`, which must itself; groups are tried in turn. Prepared,
// when it succeeds.
Catalog::Outcome<Catalog::Admitted> Catalog::admit(const config::Config& file, Objects fitting, const Objects& all,
                                                   const std::vector<std::vector<ObjectName>>& groups,
                                                   Reading reading) {
  std::set<std::string> certificates = certificates_set_aside();
  for (const auto& [name, certificate] : all.certificates) certificates.insert(name);
  if (auto whole = check(file, all, reading, certificates)) return Admitted{std::move(*whole), all, {}};
  auto bare = check(file, fitting, reading, certificates);
  if (!bare) return std::unexpected(std::move(bare.error()));
  abandon();

  Admitted admitted{.effective = {}, .objects = {}, .left_out = {}};
  Judge by_rules = [&](const Objects& objects) {
    auto merged = merge(file, objects, kinds_);
    return merged ? Verdict() : std::move(merged.error());
  };
  Judge by_resources = [&](const Objects& objects) {
    auto checked = check(file, objects, reading, certificates);
    if (!checked) return Verdict{.faults = std::get<config::Faults>(std::move(checked.error())), .blamed = {}};
    abandon();
    return Verdict();
  };
  // Sockets and certificates are asked for only where rules alone do not decide: that is slow, and logged.
  for (const Judge& judge : {by_rules, by_resources}) {
    admitted.objects = fitting;
    for (const std::vector<ObjectName>& group : groups) {
      std::vector<ObjectName> candidates;
      for (const ObjectName& name : group) {
        if (contains(all, name) && !admitted.left_out.contains(name)) candidates.push_back(name);
      }
      admitted.left_out.merge(add_fitting(all, std::move(candidates), admitted.objects, judge));
    }
    auto checked = check(file, admitted.objects, reading, certificates);
    if (checked) {
      admitted.effective = std::move(*checked);
      return admitted;
    }
    bare = std::move(checked);
  }
  return std::unexpected(std::move(bare.error()));
}

// Takes over what was admitted, and says once what is set aside and what is taken back.
void Catalog::accept(Admitted admitted) {
  for (const auto& [name, reason] : admitted.left_out) {
    auto [known, is_new] = set_aside_.try_emplace(name);
    if (is_new) known->second.json = stored_json(objects_, name);
    if (std::exchange(known->second.reason, reason) == reason) continue;
    base::log_warning("{} of the store is set aside: {}", name.text(), reason);
    if (resources_.set_aside) resources_.set_aside(name, reason);
  }
  std::erase_if(set_aside_, [&](const auto& entry) {
    const auto& [name, object] = entry;
    if (!contains(admitted.objects, name)) return false;
    if (object.reason.empty()) return true;  // Weir is starting
    base::log_info("{} of the store is taken back", name.text());
    if (resources_.set_aside) resources_.set_aside(name, {});
    return true;
  });
  objects_ = std::move(admitted.objects);
  effective_ = std::move(admitted.effective);
}

void Catalog::take_back() {
  if (set_aside_.empty()) return;
  Objects all = with_set_aside();
  Outcome<Admitted> admitted = admit(file_, objects_, all, {in_order(set_aside_)}, Reading::known);
  if (!admitted) return;  // what serves goes on
  bool has_more = names_of(admitted->objects).size() > names_of(objects_).size();
  accept(std::move(*admitted));
  if (has_more) {
    publish();
  } else {
    abandon();
  }
}

// Overrides of backends that are in effect or set aside: those come back as the operator left them.
std::map<BackendKey, Override> Catalog::kept_overrides(const Effective& effective,
                                                       const std::map<BackendKey, Override>& overrides) const {
  std::map<BackendKey, Override> kept = overrides_of_backends(effective, overrides);
  for (const auto& [key, by_operator] : overrides) {
    if (set_aside_.contains({std::string(kBackendKind), key.text()})) kept.emplace(key, by_operator);
  }
  return kept;
}

}  // namespace weir::control
