// Texts of the configuration in which names in braces stand for something of a request: "{client}".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::config {

enum class Variable : std::uint8_t {
  client,
  host,
  path,
  query,
  scheme,
  method,
  request_id,
  listener,
  listener_port,
  route,
  pool,
  backend,
  tls_version,
  tls_cipher,
  tls_sni,
  tls_client_subject,
  tls_client_names,
  tls_client_sha256,
  header,  // {header.NAME}: the first field of that name in the request
  group,   // {0} to {9}: what path_regex of the match took
};

// Where a text is used decides which variables are known there.
enum class TemplateUse : std::uint8_t { redirect, rewrite, request_header, response_header };

struct TemplatePiece {
  std::optional<Variable> variable = {};  // nothing: literal text
  std::uint8_t group = 0;                 // of Variable::group
  std::string text = {};                  // the literal, never empty; of Variable::header the name, in lower case
};

// Names of the variables that have a fixed one, as they stand between braces.
std::vector<std::string_view> variable_names();

// The pieces of `text`, literals and variables; "{{" is a brace. Fails for a variable that is not known there, or a
// brace that is not closed.
base::Checked<std::vector<TemplatePiece>> parse_template(std::string_view text, TemplateUse use);

}  // namespace weir::config
