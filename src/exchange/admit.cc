#include "exchange/admit.h"

#include "base/memory_reserve.h"
#include "exchange/grpc_call.h"
#include "http/target.h"
#include "route/path_rules.h"
#include "worker/tls_facts.h"

namespace weir::exchange {

std::optional<StatusAnswer> admit(Facts& facts, worker::ClientConnection& client, ClientSide& side,
                                  http::RequestHead& request, base::Arena& arena) {
  if (facts.listener == nullptr) return StatusAnswer{503, "This listener is not ready yet."};
  if (!base::memory_reserve::is_whole()) return StatusAnswer{503, "The load balancer is short of memory."};
  const config::Listener& listener = *facts.listener->config;
  if (const char* broken = http::canonicalize(request, route::path_rules(listener.paths), arena)) {
    side.close_after();
    return StatusAnswer{400, broken};
  }
  if (worker::is_misdirected(client.facts, *facts.listener, client.worker.index, request.authority)) {
    return StatusAnswer{421, "This host is not served on a connection that was made for another one."};
  }
  if (request.method == "CONNECT") return StatusAnswer{405, "This is not a forward proxy: CONNECT is not offered."};
  if (request.method == "TRACE") return StatusAnswer{405, "TRACE is not offered."};
  if (request.version == http::Version::http_1_0 && !listener.http_1_0_keep_alive) side.close_after();
  http::MaxForwards max_forwards = http::max_forwards(request);
  if (max_forwards.action != http::MaxForwards::Action::none) facts.max_forwards = max_forwards;
  return facts.is_call ? begin_call(facts, request) : std::nullopt;
}

}  // namespace weir::exchange
