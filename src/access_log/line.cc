// Lines of the access log: a record written in a compiled format.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "access_log/escape.h"
#include "access_log/format.h"
#include "access_log/text_fields.h"

namespace weir::access_log {

using config::LogField;

namespace {

constexpr std::string_view kCut = "...";

char* put_number(char* out, std::uint64_t value) { return std::to_chars(out, out + Format::kNumberBytes, value).ptr; }

char* put_three_digits(char* out, std::uint64_t value) {
  out[0] = static_cast<char>('0' + value / 100);
  out[1] = static_cast<char>('0' + value / 10 % 10);
  out[2] = static_cast<char>('0' + value % 10);
  return out + 3;
}

// Milliseconds with three decimals. Never negative: clocks of two steps may disagree by a little.
char* put_milliseconds(char* out, base::Nanoseconds time) {
  auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)) / 1000;
  out = put_number(out, microseconds / 1000);
  *out++ = '.';
  return put_three_digits(out, microseconds % 1000);
}

// Rounded down, so that the milliseconds that are left are never negative.
std::int64_t second_of(std::int64_t unix_ms) { return unix_ms / 1000 - (unix_ms % 1000 < 0 ? 1 : 0); }

char* put_time(char* out, std::int64_t unix_ms, DateText& dates) {
  std::int64_t second = second_of(unix_ms);
  std::memcpy(out, dates.rfc3339(second), DateText::kRfc3339Bytes);
  out = put_three_digits(out + DateText::kRfc3339Bytes, static_cast<std::uint64_t>(unix_ms - second * 1000));
  *out++ = 'Z';
  return out;
}

}  // namespace

std::size_t Format::bound(const Record& record) const {
  constexpr std::size_t kLongestEscape = 6;  // \u00xx
  constexpr std::size_t kTextFields = 21;
  auto bytes = [](std::string_view text) { return std::min(text.size(), kMaxFieldBytes); };
  std::size_t total = bytes(record.client) + bytes(record.method) + bytes(record.target) + bytes(record.path) +
                      bytes(record.query) + bytes(record.host) + bytes(record.version) + bytes(record.listener) +
                      bytes(record.route) + bytes(record.pool) + bytes(record.backend) + bytes(record.request_id) +
                      bytes(record.user_agent) + bytes(record.referer) + bytes(record.termination) +
                      bytes(record.detail);
  if (record.tls != nullptr) {
    const TlsRecord& tls = *record.tls;
    total += bytes(tls.version) + bytes(tls.cipher) + bytes(tls.sni) + bytes(tls.alpn) + bytes(tls.client_subject);
  }
  return fixed_bytes_ + repeats_ * (total * kLongestEscape + kTextFields * kCut.size());
}

char* Format::write(char* out, const Record& record, DateText& dates) const {
  for (const Piece& piece : pieces_) {
    if (!piece.belongs_to(record)) continue;
    const char* literal = piece.literal.data();
    for (std::size_t at = 0; at < piece.literal_bytes; at += kLiteralStep) {
      std::memcpy(out + at, literal + at, kLiteralStep);
    }
    out += piece.literal_bytes;
    if (piece.source == Source::field) {
      out = write_field(out, piece.field, record, dates);
    } else if (piece.source == Source::clf_time) {
      std::memcpy(out, dates.clf(second_of(record.unix_ms)), DateText::kClfBytes);
      out += DateText::kClfBytes;
    }
  }
  return out;
}

std::string Format::line(const Record& record) const {
  DateText dates;
  std::string text(bound(record), '\0');
  text.resize(static_cast<std::size_t>(write(text.data(), record, dates) - text.data()));
  return text;
}

char* Format::write_text(char* out, std::string_view text) const {
  if (text.empty()) return escape_ == Escape::json ? out : put(out, "-");
  bool cut = text.size() > kMaxFieldBytes;
  if (cut) text = text.substr(0, kMaxFieldBytes);
  std::size_t plain = copy_plain(out, text);
  out += plain;
  if (plain < text.size()) {
    text.remove_prefix(plain);
    out = escape_ == Escape::json ? put_json_escaped(out, text) : put_text_escaped(out, text);
  }
  return cut ? put(out, kCut) : out;
}

char* Format::write_field(char* out, LogField field, const Record& record, DateText& dates) const {
  switch (field) {
    case LogField::time:
      return put_time(out, record.unix_ms, dates);
    case LogField::client_port:
      return put_number(out, record.client_port);
    case LogField::status:
      return put_number(out, record.status);
    case LogField::bytes_in:
      return put_number(out, record.bytes_in);
    case LogField::bytes_out:
      return put_number(out, record.bytes_out);
    case LogField::duration_ms:
      return put_milliseconds(out, record.duration);
    case LogField::upstream_ms:
      return put_milliseconds(out, record.upstream);
    case LogField::queue_ms:
      return put_milliseconds(out, record.queue);
    case LogField::attempts:
      return put_number(out, record.attempts);
    case LogField::tls_resumed:
      if (record.tls == nullptr) return write_text(out, {});
      return put(out, record.tls->resumed ? "true" : "false");
    default:
      return write_text(out, *text_of(field, record));
  }
}

}  // namespace weir::access_log
