// Objects of the store that no file has, as JSON: read and described by the same tables as the configuration's.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/fields.h"
#include "config/reader.h"
#include "control/objects.h"

namespace weir::control {

// One object of type S from `json`: the body of a call, or what a store holds.
template <typename S>
std::expected<S, config::Faults> read_object(std::string_view json, const config::Kinds& kinds) {
  config::Document document = config::parse_json(json, "api");
  config::Faults faults = std::move(document.faults);
  S object;
  if (document.complete) {
    config::Reader reader(document, kinds, faults);
    reader.read(document.root, config::resource<S>(), &object);
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return object;
}

template <typename S>
std::string write_object(const S& object) {
  return config::print_json(config::write_resource(config::resource<S>(), &object, {}), false);
}

}  // namespace weir::control

namespace weir::config {

template <>
const Resource& resource<control::Rule>();
template <>
const Resource& resource<control::ApiCertificate>();
template <>
const Resource& resource<control::Override>();
template <>
std::span<const std::string_view> value_names<control::Override::Operation>();

}  // namespace weir::config
