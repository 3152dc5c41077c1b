#include "control/object_json.h"

#include <array>

#include "config/codecs.h"

namespace weir::config {
namespace {

using control::ApiCertificate;
using control::Override;
using control::Rule;

constexpr std::array kRuleFields{
    field<&Rule::id>("rule_id", "its name, and that of its pool; made when not given"),
    field<&Rule::path_prefix>("path_prefix", "the paths it takes, on segment borders", {.required = true}),
    field<&Rule::host>("host", "the host it takes: a.example, or *.example; any when not given"),
    field<&Rule::algorithm>("algorithm", "how a backend is picked", {.kind = "strategies"}),
    field<&Rule::backends>("backends", "ids of backends, or pool/id where an id is in several pools",
                           {.required = true}),
    field<&Rule::session_sticky>("session_sticky", "true: a client stays with its backend"),
};

constexpr std::array kCertificateFields{
    field<&ApiCertificate::name>("name", "its name, as in the path"),
    field<&ApiCertificate::cert>("cert", "PEM of the chain: the leaf first, then its issuers", {.required = true}),
    field<&ApiCertificate::key>("key", "PEM of the private key, without a passphrase; never shown again",
                                {.required = true}),
};

constexpr std::array kOverrideFields{
    field<&Override::operation>("operation", "what the operator did"),
    field<&Override::weight>("weight", "in place of the configured weight", {.max = 1000}),
    field<&Override::healthy>("healthy", "in place of what the probes say"),
};

}  // namespace

template <>
const Resource& resource<Rule>() {
  static constexpr Resource kResource{.name = "routing_rule",
                                      .summary = "a path, on every HTTP listener, to chosen backends",
                                      .fields = kRuleFields,
                                      .defaults = defaults_of<Rule>};
  return kResource;
}

template <>
const Resource& resource<ApiCertificate>() {
  static constexpr Resource kResource{.name = "api_certificate",
                                      .summary = "a chain of certificates with its private key, as PEM texts",
                                      .fields = kCertificateFields,
                                      .defaults = defaults_of<ApiCertificate>};
  return kResource;
}

template <>
const Resource& resource<Override>() {
  static constexpr Resource kResource{.name = "override",
                                      .summary = "what an operator laid over a backend's definition",
                                      .fields = kOverrideFields,
                                      .defaults = defaults_of<Override>};
  return kResource;
}

template <>
std::span<const std::string_view> value_names<Override::Operation>() {
  static constexpr std::array<std::string_view, 4> kNames{"none", "enabled", "draining", "disabled"};
  return kNames;
}

}  // namespace weir::config
