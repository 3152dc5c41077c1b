// Refuses clients with certain addresses.
#include "filter/address_filter.h"
#include "filter/filter.h"

namespace weir::filter {
namespace {

class Deny final : public Filter {
 public:
  explicit Deny(const config::Choice& choice) : addresses_(choice) {}
  Verdict on_request(Request& request, Memory&) const override {
    if (!addresses_.contains(request.client)) return Verdict::pass();
    return Verdict::answered({.status = 403,
                              .termination = worker::Termination::denied,
                              .detail = "the client is among the addresses of filters.deny",
                              .message = "Access is not allowed from this address."});
  }

 private:
  AddressList addresses_;
};

}  // namespace

std::span<const config::OptionSpec> deny_options() {
  static const std::array kOptions{addresses_option("the clients that are refused, as addresses and blocks")};
  return kOptions;
}
std::vector<config::OptionFault> deny_faults(const config::Choice& choice) { return addresses_faults(choice); }
std::string_view deny_sample() { return "{addresses: [192.0.2.7, 198.51.100.0/24]}"; }
std::shared_ptr<const Filter> make_deny(const config::Choice& choice, const Setting&) {
  return std::make_shared<Deny>(choice);
}

}  // namespace weir::filter
