#include "front/unserved.h"

#include "worker/termination.h"

namespace weir::front {

void log_unserved(const worker::Arrival& arrival, const Unserved& connection) {
  worker::Worker& worker = arrival.worker;
  access_log::Log* log = worker.services.access_log.load(std::memory_order_acquire);
  if (log == nullptr) return;
  std::string client = arrival.facts.peer.ip.to_string();
  std::string detail = std::string(connection.about) + base::cause(connection.error);
  access_log::Record record;
  record.unix_ms = worker.unix_ms();
  record.client = client;
  record.client_port = arrival.facts.peer.port;
  record.method = connection.method;
  record.target = connection.target;
  record.host = connection.host;
  record.version = connection.version;
  record.status = connection.status;
  record.listener = arrival.listening.runtime->name;
  record.termination = name(worker::termination(connection.error));
  record.detail = detail;
  log->write(worker.index, record);
}

}  // namespace weir::front
