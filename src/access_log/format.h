// How a line of the access log looks: a format compiled once, written many times.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "access_log/date_text.h"
#include "access_log/record.h"
#include "config/access_log_fields.h"

namespace weir::access_log {

// A compiled format. Immutable after compile(), so any number of threads may write with it, each with its own DateText.
//
// No field can end a line or leave its quotes, whatever a client sends: in JSON, quotes, backslashes, control bytes and
// invalid UTF-8 are \-escaped (RFC 8259); in combined and templates quotes and backslashes become \" and \\, bytes
// below 0x20 and from 0x7f on \xHH. A text longer than kMaxFieldBytes is cut there and ends in "...".
class Format {
 public:
  static constexpr std::size_t kMaxFieldBytes = 4096;
  static constexpr std::size_t kNumberBytes = 32;  // room for any number or date

  // "json": one object a line with every field of config/access_log_fields.h, those of TLS where there is TLS.
  // "combined": Apache's; a record with a detail has its termination and detail behind that, each in quotes. Anything
  // else is a template: literal text with %{field}; "%%" is a percent sign; in it an empty text is written as "-". The
  // error is a sentence for people: unknown field (with the nearest name), '%' without '{', missing '}', control byte,
  // no field.
  static std::expected<Format, std::string> compile(std::string_view text);

  // No line of `record` is longer than this, in bytes, with its '\n'. write() may use that much room, more than it
  // finally fills.
  std::size_t bound(const Record& record) const;
  // Writes the line with its '\n' to `out`, which has room for bound(record); returns its end.
  char* write(char* out, const Record& record, DateText& dates) const;
  // The same, as a string: for tests and tools.
  std::string line(const Record& record) const;

 private:
  enum class Escape : std::uint8_t { json, text };
  enum class Source : std::uint8_t { nothing, field, clf_time };
  // Literal text and what follows it.
  struct Piece {
    bool belongs_to(const Record& record) const {
      return only == Only::always || (only == Only::tls ? record.tls != nullptr : !record.detail.empty());
    }
    std::string literal;  // padded to a whole number of kLiteralStep bytes, for copies of constant length
    std::size_t literal_bytes = 0;
    Source source = Source::nothing;
    config::LogField field{};
    enum class Only : std::uint8_t { always, tls, detail } only = Only::always;  // left out of records without that
  };
  static constexpr std::size_t kLiteralStep = 32;

  // -- format.cc: from a text to pieces
  static Format json();
  static Format combined();
  static std::expected<Format, std::string> from_template(std::string_view text);
  void add(std::string_view literal, Source source, config::LogField field = {});
  // -- line.cc: from a record to a line
  char* write_text(char* out, std::string_view text) const;
  char* write_field(char* out, config::LogField field, const Record& record, DateText& dates) const;

  std::vector<Piece> pieces_;
  std::size_t fixed_bytes_ = 0;  // room for literals and numbers
  std::size_t repeats_ = 1;      // how often the most frequent field occurs
  Escape escape_ = Escape::text;
};

}  // namespace weir::access_log
