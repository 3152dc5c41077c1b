// Backends as the API finds and shows them.
#pragma once

#include <memory>
#include <string>

#include "api/api_state.h"

namespace weir::api {

// A backend of the effective configuration; the pointers live as long as that stays.
struct BackendView {
  const config::Pool* pool;
  const config::Backend* definition;
  std::shared_ptr<pool::Backend> running;
  control::Override by_operator;
  bool is_stored = true;  // what the operator said

  control::BackendKey key() const { return {pool->name, definition->id}; }
  // Made through the API, so that the API may change it.
  bool from_api() const { return definition->origin.from_api(); }
  std::string etag() const;
};

// Calls `each(view)` for every backend once, in the order of the configuration; those borrowed by routing rules are
// not shown again.
template <typename Each>
void for_each_backend(const control::Catalog& catalog, const control::Publisher& publisher, Each each);

// The backend that a path names: 404 when there is none, 409 naming the pools when the id is in several and neither
// ?pool= nor a "pool/id" tells which.
std::expected<BackendView, Problem> find_backend(const Visit& visit, const std::string& id);
std::expected<BackendView, Problem> find_backend(const Visit& visit, const std::string& id, std::string_view pool);

// Why the backend is in its state, for people.
std::string reason_of(const Visit& visit, const BackendView& view);
// Its ejection by passive checks, or null while it is in; and the last ejections and returns.
Json ejected_json(const Visit& visit, const BackendView& view);
Json ejections_json(const Visit& visit, const BackendView& view);
// The JSON that GET /backends/{id} answers.
Json to_json(const Visit& visit, const BackendView& view);
// With the etag.
ApiResponse backend_response(const Visit& visit, const BackendView& view, int status = 200);
inline ApiResult answer(const Visit& visit, const std::expected<BackendView, Problem>& view) {
  if (!view) return std::unexpected(view.error());
  return backend_response(visit, *view);
}

// ---- inline -----------------------------------------------------------------------------------------------------

inline const control::Override& override_of(const control::Catalog& catalog, const control::BackendKey& key) {
  static const control::Override none;
  auto found = catalog.effective().overrides.find(key);
  return found == catalog.effective().overrides.end() ? none : found->second;
}

inline bool is_stored(const control::Catalog& catalog, const control::BackendKey& key) {
  return !catalog.unstored().contains(key);
}

template <typename Each>
void for_each_backend(const control::Catalog& catalog, const control::Publisher& publisher, Each each) {
  for (const config::Pool& pool : catalog.config().pools) {
    if (catalog.effective().borrowed.contains(pool.name)) continue;
    for (const config::Backend& backend : pool.backends) {
      control::BackendKey key{pool.name, backend.id};
      each(BackendView{&pool, &backend, publisher.find(key), override_of(catalog, key), is_stored(catalog, key)});
    }
  }
}

}  // namespace weir::api
