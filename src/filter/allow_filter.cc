// Lets in clients with certain addresses only.
#include "filter/address_filter.h"
#include "filter/filter.h"

namespace weir::filter {
namespace {

class Allow final : public Filter {
 public:
  explicit Allow(const config::Choice& choice) : addresses_(choice) {}
  Verdict on_request(Request& request, Memory&) const override {
    if (addresses_.contains(request.client)) return Verdict::pass();
    return Verdict::answered({.status = 403,
                              .termination = worker::Termination::denied,
                              .detail = "the client is not among the addresses of filters.allow",
                              .message = "Access is not allowed from this address."});
  }

 private:
  AddressList addresses_;
};

}  // namespace

std::span<const config::OptionSpec> allow_options() {
  static const std::array kOptions{addresses_option("the only clients that are let in, as addresses and blocks")};
  return kOptions;
}
std::vector<config::OptionFault> allow_faults(const config::Choice& choice) { return addresses_faults(choice); }
std::string_view allow_sample() { return "{addresses: [10.0.0.0/8]}"; }
std::shared_ptr<const Filter> make_allow(const config::Choice& choice, const Setting&) {
  return std::make_shared<Allow>(choice);
}

}  // namespace weir::filter
