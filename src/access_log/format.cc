#include "access_log/format.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "access_log/text_fields.h"
#include "base/text.h"

namespace weir::access_log {

using config::LogField;

namespace {

std::expected<LogField, std::string> field_named(std::string_view name) {
  auto found = std::ranges::find(config::kLogFieldNames, name);
  if (found != config::kLogFieldNames.end()) return LogField(found - config::kLogFieldNames.begin());
  std::string_view near = base::nearest(name, config::kLogFieldNames);
  return std::unexpected(near.empty() ? fmt::format("unknown field %{{{}}}", name)
                                      : fmt::format("unknown field %{{{}}}, did you mean %{{{}}}?", name, near));
}

}  // namespace

std::expected<Format, std::string> Format::compile(std::string_view text) {
  Format format;
  if (text == "json") {
    format = json();
  } else if (text == "combined") {
    format = combined();
  } else {
    auto made = from_template(text);
    if (!made) return made;
    format = std::move(*made);
  }
  std::map<LogField, std::size_t> uses;
  for (const Piece& piece : format.pieces_) {
    format.fixed_bytes_ += piece.literal.size() + kNumberBytes;
    if (piece.source == Source::field) format.repeats_ = std::max(format.repeats_, ++uses[piece.field]);
  }
  return format;
}

Format Format::json() {
  Format format;
  format.escape_ = Escape::json;
  std::string before = "{";
  for (std::size_t i = 0; i < config::kLogFieldNames.size(); ++i) {
    auto field = LogField(i);
    const char* quote = is_text(field) || field == LogField::time ? "\"" : "";
    format.add(fmt::format("{}\"{}\":{}", before, config::name(field), quote), Source::field, field);
    if (field >= config::kFirstTlsField) format.pieces_.back().only = Piece::Only::tls;
    before = fmt::format("{},", quote);
  }
  // The last field is text, with TLS and without.
  static_assert(config::kLogFieldNames.back() == "tls_client_subject");
  format.add("\"}\n", Source::nothing);
  return format;
}

// https://httpd.apache.org/docs/2.4/logs.html#combined
Format Format::combined() {
  Format format;
  format.add("", Source::field, LogField::client);
  format.add(" - - [", Source::clf_time);
  format.add("] \"", Source::field, LogField::method);
  format.add(" ", Source::field, LogField::target);
  format.add(" ", Source::field, LogField::version);
  format.add("\" ", Source::field, LogField::status);
  format.add(" ", Source::field, LogField::bytes_out);
  format.add(" \"", Source::field, LogField::referer);
  format.add("\" \"", Source::field, LogField::user_agent);
  format.add("\" \"", Source::field, LogField::termination);
  format.pieces_.back().only = Piece::Only::detail;
  format.add("\" \"", Source::field, LogField::detail);
  format.pieces_.back().only = Piece::Only::detail;
  format.add("\"\n", Source::nothing);
  return format;
}

std::expected<Format, std::string> Format::from_template(std::string_view text) {
  Format format;
  std::string literal;
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto byte = static_cast<unsigned char>(text[at]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      return std::unexpected(fmt::format("control byte 0x{:02x} at position {}", byte, at + 1));
    }
    if (byte != '%') {
      literal += text[at];
      continue;
    }
    std::string_view rest = text.substr(at + 1);
    if (rest.starts_with('%')) {
      literal += '%';
      ++at;
      continue;
    }
    if (!rest.starts_with('{')) {
      return std::unexpected(fmt::format("'%' without '{{' at position {}; write %% for a percent sign", at + 1));
    }
    auto close = rest.find('}');
    if (close == std::string_view::npos) return std::unexpected(fmt::format("missing '}}' after position {}", at + 1));
    auto field = field_named(rest.substr(1, close - 1));
    if (!field) return std::unexpected(field.error());
    format.add(literal, Source::field, *field);
    literal.clear();
    at += close + 1;
  }
  if (format.pieces_.empty()) return std::unexpected("neither json nor combined, and a template without any %{field}");
  format.add(literal + '\n', Source::nothing);
  return format;
}

void Format::add(std::string_view literal, Source source, LogField field) {
  Piece piece{.literal = std::string(literal), .literal_bytes = literal.size(), .source = source, .field = field};
  piece.literal.resize((literal.size() + kLiteralStep - 1) / kLiteralStep * kLiteralStep);
  pieces_.push_back(std::move(piece));
}

}  // namespace weir::access_log
