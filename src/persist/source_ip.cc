// Clients of one address have one backend.
#include "persist/key_table.h"
#include "persist/method.h"

namespace weir::persist {
namespace {

class SourceIp final : public Method {
 public:
  explicit SourceIp(const pool::BackendSet& backends) : table_(backends) {}
  Match find(const Client& client) const override { return {.index = table_.find(client.address_hash)}; }
  std::string known_by() const override { return "their address"; }

 private:
  KeyTable table_;
};

}  // namespace

std::span<const config::OptionSpec> source_ip_options() { return {}; }
std::vector<config::OptionFault> source_ip_faults(const config::Choice&) { return {}; }

std::unique_ptr<Method> make_source_ip(const config::Choice&, const MethodSetting& setting) {
  return std::make_unique<SourceIp>(setting.backends);
}

}  // namespace weir::persist
