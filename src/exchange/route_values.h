// The values of the variables in headers, redirects and rewrites (config/template_text.h).
#pragma once

#include "exchange/facts.h"
#include "route/template.h"
#include "worker/backend_tries.h"

namespace weir::exchange {

// The values of one exchange, as far as it has come. Borrows its parts.
class RouteValues final : public route::Values {
 public:
  RouteValues(const worker::ClientConnection& client, const Facts& facts, const worker::BackendTries& tries)
      : client_(client), facts_(facts), tries_(tries) {}
  std::string_view value(config::Variable variable, base::Arena& arena) const override;

 private:
  const worker::ClientConnection& client_;
  const Facts& facts_;
  const worker::BackendTries& tries_;
};

}  // namespace weir::exchange
