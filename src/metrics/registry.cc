#include "metrics/registry.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>

#include "base/assert.h"
#include "metrics/cell_store.h"
#include "metrics/exposition.h"

namespace weir::metrics {
namespace {

constexpr std::size_t kHistogramCells = kLatencyBuckets + 1;
std::size_t cells_of(Type type) { return type == Type::histogram ? kHistogramCells : 1; }

struct Series;
struct FamilyState;

// One label with one value, and every series that has it, so that a release touches no other series.
struct LabelValue {
  struct Member {
    Series* series;
    std::size_t use;  // index in series->uses
  };
  std::string_view key;  // the one it has in the index
  std::vector<Member> members;
};

struct Series {
  struct Use {
    LabelValue* value;
    std::size_t position;  // in value->members
  };
  FamilyState* family;
  std::size_t position;  // in family->series
  std::string labels;    // rendered
  Cell* cells;
  std::vector<Use> uses;
  bool stays = false;  // the "other" of a full family
};

struct FamilyState {
  std::string help;
  Type type;
  std::vector<std::unique_ptr<Series>> series;
  std::unordered_map<std::string_view, Series*> by_labels;  // keys are Series::labels
  std::shared_ptr<const Registry::Collect> collect;         // of a computed family
  std::uint64_t released = 0;                               // of a counter: what series that are gone had counted
};

std::string index_key(std::string_view label, std::string_view value) {
  std::string key(label);
  key += '=';
  key += value;
  return key;
}

Labels labels_of(const Family& family, std::initializer_list<std::string_view> values) {
  WEIR_ASSERT(values.size() == family.label_count());
  Labels labels;
  labels.reserve(values.size());
  for (std::string_view value : values) labels.emplace_back(family.labels[labels.size()], value);
  return labels;
}

}  // namespace

struct Registry::State {
  State(std::uint32_t slot_count, const base::Clock& clock)
      : slots(slot_count), cells(slot_count, Registry::kReuseDelay, clock) {}

  FamilyState& family(std::string_view name, std::string_view help, Type type);
  Cell* series(std::string_view name, std::string_view help, Type type, const Labels& labels);
  Series& add_series(FamilyState& family, const Labels& labels, std::string rendered);
  void remove_series(Series& series);
  std::uint64_t sum(const Cell* cell) const;
  void append_series(std::string& out, std::string_view name, const FamilyState& family) const;

  const std::uint32_t slots;
  mutable std::mutex scraping;  // one scrape at a time; taken before `mutex`
  mutable std::size_t last_scrape_bytes = 0;
  mutable std::mutex mutex;  // guards everything below, but not the contents of cells
  CellStore cells;
  std::map<std::string, FamilyState, std::less<>> families;
  std::unordered_map<std::string, LabelValue> index;  // by index_key
};

FamilyState& Registry::State::family(std::string_view name, std::string_view help, Type type) {
  if (auto found = families.find(name); found != families.end()) {
    WEIR_ASSERT(found->second.type == type);
    return found->second;
  }
  WEIR_ASSERT(is_metric_name(name));
  FamilyState& made = families[std::string(name)];
  made.help = help;
  made.type = type;
  return made;
}

Cell* Registry::State::series(std::string_view name, std::string_view help, Type type, const Labels& labels) {
  std::string rendered = render_labels(labels);
  std::lock_guard lock(mutex);
  FamilyState& of = family(name, help, type);
  WEIR_ASSERT(of.collect == nullptr);
  if (auto found = of.by_labels.find(rendered); found != of.by_labels.end()) return found->second->cells;
  if (of.series.size() < kMaxSeries || labels.empty()) return add_series(of, labels, std::move(rendered)).cells;
  Labels other = labels;
  for (auto& label : other) label.second = "other";
  rendered = render_labels(other);
  auto found = of.by_labels.find(rendered);
  Series& overflow = found != of.by_labels.end() ? *found->second : add_series(of, other, std::move(rendered));
  overflow.stays = true;
  return overflow.cells;
}

// Nothing of it is left when memory cannot be had on the way.
Series& Registry::State::add_series(FamilyState& family, const Labels& labels, std::string rendered) {
  if (family.series.size() == family.series.capacity()) {
    family.series.reserve(std::max<std::size_t>(4, 2 * family.series.size()));
  }
  auto made = std::make_unique<Series>(Series{.family = &family,
                                              .position = family.series.size(),
                                              .labels = std::move(rendered),
                                              .cells = nullptr,
                                              .uses = {}});
  Series& series = *made;
  series.uses.reserve(labels.size());
  try {
    for (const auto& [label, value] : labels) {
      auto [place, is_new] = index.try_emplace(index_key(label, value));
      LabelValue& entry = place->second;
      if (is_new) entry.key = place->first;
      entry.members.push_back({.series = &series, .use = series.uses.size()});
      series.uses.push_back({.value = &entry, .position = entry.members.size() - 1});
    }
    family.by_labels.emplace(series.labels, &series);
    series.cells = cells.allocate(cells_of(family.type));
  } catch (const std::bad_alloc&) {
    family.by_labels.erase(series.labels);
    // Values that are left without members find them later.
    for (const Series::Use& use : series.uses) use.value->members.pop_back();
    throw;
  }
  family.series.push_back(std::move(made));
  return series;
}

// Every removal fills the gap with the last of its list.
void Registry::State::remove_series(Series& series) {
  for (const Series::Use& use : series.uses) {
    auto& members = use.value->members;
    LabelValue::Member last = members.back();
    members[use.position] = last;
    last.series->uses[last.use].position = use.position;
    members.pop_back();
    if (members.empty()) index.erase(index.find(std::string(use.value->key)));
  }
  FamilyState& family = *series.family;
  if (family.type == Type::counter) family.released += sum(series.cells);
  cells.release(series.cells, cells_of(family.type));
  family.by_labels.erase(series.labels);
  std::size_t position = series.position;
  std::swap(family.series[position], family.series.back());
  family.series[position]->position = position;
  family.series.pop_back();
}

std::uint64_t Registry::State::sum(const Cell* cell) const {
  std::uint64_t total = 0;
  for (std::uint32_t slot = 0; slot < slots; ++slot)
    total += cell[slot * kWorkerStride].load(std::memory_order_relaxed);
  return total;
}

void Registry::State::append_series(std::string& out, std::string_view name, const FamilyState& family) const {
  append_family_head(out, name, family.help, family.type);
  for (const auto& series : family.series) {
    if (family.type == Type::histogram) {
      std::array<std::uint64_t, kLatencyBuckets> buckets;
      for (std::size_t i = 0; i < kLatencyBuckets; ++i) buckets[i] = sum(series->cells + i);
      append_histogram(out, name, series->labels, buckets, sum(series->cells + kLatencyBuckets));
      continue;
    }
    std::uint64_t value = sum(series->cells);
    // Read between two workers' writes, the sum of a gauge can fall below zero.
    if (family.type == Type::gauge && static_cast<std::int64_t>(value) < 0) value = 0;
    append_sample(out, name, series->labels, value);
  }
}

std::uint64_t Counter::total(std::uint32_t workers) const {
  std::uint64_t total = 0;
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    total += cell_[worker * kWorkerStride].load(std::memory_order_relaxed);
  }
  return total;
}

std::span<const std::uint64_t> latency_bounds() { return kLatencyBounds; }

const base::Clock& Registry::steady_clock() {
  static constexpr base::SteadyClock kClock;
  return kClock;
}

Registry::Registry(std::uint32_t slots, const base::Clock& clock)
    : state_(std::make_unique<State>(std::max(slots, 1u), clock)) {}
Registry::~Registry() = default;

Counter Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return Counter(state_->series(name, help, Type::counter, labels));
}
Counter Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return Counter(state_->series(name, help, Type::gauge, labels));
}
Histogram Registry::histogram(std::string_view name, std::string_view help, const Labels& labels) {
  return Histogram(state_->series(name, help, Type::histogram, labels));
}
Counter Registry::counter(const Family& family, std::initializer_list<std::string_view> values) {
  WEIR_ASSERT(family.type == Type::counter);
  return counter(family.name, family.help, labels_of(family, values));
}
Counter Registry::gauge(const Family& family, std::initializer_list<std::string_view> values) {
  WEIR_ASSERT(family.type == Type::gauge);
  return gauge(family.name, family.help, labels_of(family, values));
}
Histogram Registry::histogram(const Family& family, std::initializer_list<std::string_view> values) {
  WEIR_ASSERT(family.type == Type::histogram);
  return histogram(family.name, family.help, labels_of(family, values));
}

void Registry::release(std::string_view label, std::string_view value, std::string_view other_label,
                       std::string_view other_value) {
  std::lock_guard lock(state_->mutex);
  auto found = state_->index.find(index_key(label, value));
  if (found == state_->index.end()) return;
  const LabelValue* other = nullptr;
  if (!other_label.empty()) {
    auto place = state_->index.find(index_key(other_label, other_value));
    if (place == state_->index.end()) return;
    other = &place->second;
  }
  std::vector<Series*> leaving;
  for (const LabelValue::Member& member : found->second.members) {
    auto has_other = [other](const Series::Use& use) { return use.value == other; };
    if (member.series->stays) continue;
    if (other == nullptr || std::ranges::any_of(member.series->uses, has_other)) leaving.push_back(member.series);
  }
  for (Series* series : leaving) state_->remove_series(*series);
}

void Registry::computed(std::string_view name, std::string_view help, Type type, Collect collect) {
  WEIR_ASSERT(type != Type::histogram);
  std::lock_guard lock(state_->mutex);
  FamilyState& family = state_->family(name, help, type);
  WEIR_ASSERT(family.series.empty());
  family.collect = std::make_shared<const Collect>(std::move(collect));
}

void Registry::Emit::operator()(const Labels& labels, double value) const { rendered(render_labels(labels), value); }
void Registry::Emit::rendered(std::string_view labels, double value) const {
  append_sample(out_, name_, labels, value);
}

std::string Registry::exposition() const {
  std::lock_guard scrape(state_->scraping);
  std::unique_lock lock(state_->mutex);
  std::string out;
  out.reserve(state_->last_scrape_bytes + state_->last_scrape_bytes / 8);
  // Families are never removed, so the position survives letting others in between two of them.
  for (auto place = state_->families.begin(); place != state_->families.end(); ++place) {
    const std::string& name = place->first;
    const FamilyState& family = place->second;
    if (!family.series.empty()) state_->append_series(out, name, family);
    std::shared_ptr<const Collect> collect = family.collect;
    lock.unlock();
    if (collect != nullptr) {
      std::size_t start = out.size();
      append_family_head(out, name, family.help, family.type);
      std::size_t first_sample = out.size();
      (*collect)(Emit(out, name));
      if (out.size() == first_sample) out.resize(start);
    }
    lock.lock();
  }
  state_->last_scrape_bytes = out.size();
  return out;
}

std::uint64_t Registry::total(std::string_view name) const {
  std::lock_guard lock(state_->mutex);
  auto found = state_->families.find(name);
  if (found == state_->families.end()) return 0;
  std::uint64_t total = found->second.released;
  for (const auto& series : found->second.series) {
    std::size_t count = found->second.type == Type::histogram ? kLatencyBuckets : 1;
    for (std::size_t i = 0; i < count; ++i) total += state_->sum(series->cells + i);
  }
  return total;
}

std::size_t Registry::series_count(std::string_view name) const {
  std::lock_guard lock(state_->mutex);
  auto found = state_->families.find(name);
  return found == state_->families.end() ? 0 : found->second.series.size();
}

std::uint32_t Registry::slots() const { return state_->slots; }

}  // namespace weir::metrics
