// The Location of a redirect, made from a template and a request that may be hostile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "http/message.h"
#include "route/expression.h"
#include "route/template.h"

namespace weir::route {

// A parsed config::Redirect::to. Immutable, any thread. Text that is no variable stays as written, encoded.
//
// Variables are those of config/template_text.h for redirects. Values from the request cannot leave their place:
// bytes that are not of a URI are percent-encoded; a `to` that is a path gives a path with exactly one leading slash,
// since browsers read "//x" as a host; between texts of a host only the bytes of host names are taken; and a variable
// behind a complete host
// ("https://a.example{1}", "https://a.example:{1}") begins a path.
class Location {
 public:
  explicit Location(std::string_view to);

  // The request's query is kept, unless the template has a '?' of its own; one at its end drops the query.
  // Empty when no safe Location can be made. `expression` is the match's path_regex or null.
  std::string_view make(const http::RequestHead& request, const Values& values, const Expression* expression,
                        base::Arena& arena) const;

 private:
  // host: text of the client that must be a whole host; plain: text that may stand anywhere; other: anything else.
  enum class Kind : std::uint8_t { literal, host, plain, query, group, other };
  struct Piece {
    Kind kind = Kind::literal;
    config::TemplatePiece variable = {};
    bool in_host = false;        // of a group or other text: stands within a host name
    bool begins_path = false;    // stands where a complete host ends: a slash is put before it if it has none
    bool question_mark = false;  // of a query: written with '?' before it unless it is empty
    std::string text = {};       // of a literal
  };

  void split(std::string_view to);
  void add_variable(const config::TemplatePiece& variable);
  bool append(const Piece& piece, std::string_view value, class TextBuilder& out) const;
  void place_in_authority(std::size_t first);
  void keep_query();

  std::vector<Piece> pieces_;
  bool is_path_ = false;  // then the request's query is kept, unless the template has a '?' of its own
  bool has_host_ = true;  // false: an absolute `to` that leaves its host to the request's path
  bool has_group_ = false;
};

}  // namespace weir::route
