// Texts with variables, put together for one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "config/template_text.h"
#include "http/message.h"
#include "route/text_builder.h"

namespace weir::route {

// The facts about a request beside its header. Asked only for variables that a text names.
class Values {
 public:
  // The value of any variable but host, path, query, method, header and group; empty where there is none. The view
  // lives as long as the request or the arena.
  virtual std::string_view value(config::Variable variable, base::Arena& arena) const = 0;

 protected:
  ~Values() = default;
};

// The value of a piece with a variable, groups aside.
std::string_view value_of(const config::TemplatePiece& piece, const http::RequestHead& request, const Values& values,
                          base::Arena& arena);

// A text with variables. Immutable, any thread.
class Template {
 public:
  // Where the text stands decides what is done to values, so that none can leave its place.
  enum class Place : std::uint8_t {
    header,        // what no field value may hold becomes a space; none at the ends
    path,          // {path} and {query} stay as they are; other values are encoded, and "." and ".." refused
    substitution,  // the same, of which the literals are parts of an RE2 substitution
    host,          // host names and ports only
  };
  // Nothing when `text` names no variable or is broken: it is a literal then.
  static std::optional<Template> parse(std::string_view text, config::TemplateUse use, Place place);

  // Nothing when a value does not fit the place.
  std::optional<std::string_view> text(const http::RequestHead& request, const Values& values,
                                       base::Arena& arena) const;

 private:
  Template(std::vector<config::TemplatePiece> pieces, Place place) : pieces_(std::move(pieces)), place_(place) {}

  std::vector<config::TemplatePiece> pieces_;
  Place place_;
};

// `text` without variables, as it is meant: "{{" is a brace.
std::string plain_text(std::string_view text, config::TemplateUse use);

}  // namespace weir::route
