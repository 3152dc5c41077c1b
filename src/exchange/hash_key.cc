#include "exchange/hash_key.h"

#include "http/cookie.h"
#include "http/query.h"

namespace weir::exchange {

std::string_view key_text(const balance::HashKeySource& source, const http::RequestHead& request) {
  using Kind = balance::HashKeySource::Kind;
  switch (source.kind) {
    case Kind::none:
    case Kind::client_address:
      return {};
    case Kind::header: {
      const http::HeaderField* field = request.headers.find(source.name);
      return field == nullptr ? std::string_view() : field->value;
    }
    case Kind::cookie:
      return http::find_cookie(request.headers, source.name).value_or(std::string_view());
    case Kind::path:
      return request.path;
    case Kind::query:
      return http::find_parameter(request.query, source.name).value_or(std::string_view());
  }
  return {};
}

}  // namespace weir::exchange
