// Turns nodes into values, and remembers what was wrong on the way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/fields.h"
#include "config/text_rules.h"

namespace weir::config {

// Reads one document. A function that returns an optional has reported the fault when it is empty.
class Reader {
 public:
  Reader(const Document& document, const Kinds& kinds, Faults& faults)
      : file_(document.file), kinds_(kinds), faults_(faults) {}
  // Relative paths in texts become relative to `folder`, the configuration's own ("" leaves them).
  void resolve_paths(std::string folder) { folder_ = std::move(folder); }

  // While it lives, faults are about the value under that key or index.
  class In {
   public:
    In(Reader& reader, std::string_view key) : reader_(reader) { reader_.path_.push_back({key, 0}); }
    In(Reader& reader, std::size_t index) : reader_(reader) { reader_.path_.push_back({{}, index}); }
    In(const In&) = delete;
    In& operator=(const In&) = delete;
    ~In() { reader_.path_.pop_back(); }

   private:
    Reader& reader_;
  };

  void fault(const Node& at, std::string message);
  void fault(int line, int column, std::string message);

  // The fault of a key that `map` must have; `what` it means.
  void missing(const Node& map, std::string_view key, std::string_view what);

  std::optional<bool> boolean(const Node& node);
  std::optional<std::uint64_t> integer(const Node& node, const Rules& rules, std::uint64_t type_max);
  std::optional<double> number(const Node& node, const Rules& rules);
  std::optional<Duration> duration(const Node& node, const Rules& rules);
  // Any text, or one of rules.allowed. Plain YAML scalars are texts; JSON numbers and booleans are not.
  std::optional<std::string> text(const Node& node, const Rules& rules);
  std::optional<std::vector<std::string>> text_list(const Node& node, const Rules& rules);
  std::optional<std::map<std::string, std::string>> text_map(const Node& node);
  // The index of the text among `names`.
  std::optional<std::size_t> one_of(const Node& node, std::span<const std::string_view> names);

  // Reads a map, or what `resource` allows in its place.
  void read(const Node& node, const Resource& resource, void* object);
  // Keys that `resource` has and nobody gave.
  void complete(const Resource& resource, void* object);
  // A name, or a map of `type` and options.
  void read_choice(const Node& node, Choice& choice, std::string_view kind);
  // The options of `entry` alone; `choice` becomes one of it, with all its defaults.
  void read_options(const Node& map, const KindEntry& entry, Choice& choice);
  // Adds the default of every option that `choice` lacks.
  void complete_choice(Choice& choice, std::string_view kind);

  Origin origin(const Node& node) const { return {file_, node.line, node.column}; }
  bool of_api() const { return file_ == "api"; }
  const Kinds& kinds() const { return kinds_; }

 private:
  struct Segment {
    std::string_view key;  // without data: an index
    std::size_t index;
  };

  std::string path() const;
  std::string resolved(const std::string& path) const;
  bool read_in_place(const Node& node, const Resource& resource, void* object);
  void read_option(const Node& node, const OptionSpec& spec, Choice& choice);
  // Those below `prefix` ("users.", or empty).
  void read_options(const Node& map, const KindEntry& entry, const std::string& prefix, Choice& choice);
  // Reports the errors that the entry itself finds in its options.
  void report_option_faults(const Node& map, const KindEntry& entry, const Choice& choice);
  // The entry that a map's `type` or, without one, `choice` names; sets choice.name. Null after a fault, or for `off`.
  const KindEntry* read_type(const Node& map, Choice& choice, const Resource& resource);
  static const OptionSpec* find_option(const KindEntry* entry, std::string_view key);
  const KindEntry* find_type(const Node& at, std::string_view name, const Resource& resource);
  std::string place_of_key(const Resource& resource, std::string_view key) const;
  void unknown_key(const Member& member, const Resource& resource, const KindEntry* entry);

  const std::string& file_;
  const Kinds& kinds_;
  Faults& faults_;
  std::vector<Segment> path_;
  std::string folder_;
};

// ", did you mean 'x'?" or ", known are a, b and c", for a word that is none of `known`.
std::string hint(std::string_view word, std::span<const std::string_view> known);

}  // namespace weir::config
