// The small grammars of HTTP that the API reads in header fields and queries.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace weir::api {

// %41 becomes A (RFC 3986 section 2.1). Nothing for a percent sign without two hex digits.
std::optional<std::string> percent_decoded(std::string_view text);
// Everything but unreserved characters and ":" as %41.
std::string percent_encoded(std::string_view text);
// "a=1&b=x%20y". Nothing when the encoding is wrong or a name occurs twice.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view query);
// True when `word` is one of `words`, which are separated by spaces.
bool contains_word(std::string_view words, std::string_view word);
// application/json or application/merge-patch+json, with or without parameters.
bool is_json_type(std::string_view content_type);
// The answer of an Accept field to `media_type` (RFC 9110 section 12.5.1); an absent field accepts everything.
bool accepts(std::string_view accept, std::string_view media_type);
// Whether If-Match (RFC 9110 section 13.1.1) holds for `etag`: by strong comparison, or "*". Never for an empty
// `etag`: there is no object.
bool matches_etag(std::string_view if_match, std::string_view etag);
// Whether If-None-Match (RFC 9110 section 13.1.2) names `etag`: by weak comparison, or "*". Never for an empty `etag`.
bool excludes_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace weir::api
