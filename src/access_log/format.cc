#include "access_log/format.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <map>

#include "base/text.h"

namespace weir::access_log {
namespace {

using config::LogField;

constexpr std::size_t kNumberBytes = 32;  // room for any number or date
constexpr std::string_view kCut = "...";
constexpr std::uint64_t kEveryByte = 0x0101010101010101u;
constexpr std::uint64_t kHighBits = 0x8080808080808080u;

// True when some byte of `word` must be escaped: below 0x20, from 0x7f on, a quote or a backslash. May be true for a
// word without one (a borrow can cross into the byte above), which only costs time.
constexpr bool needs_escape(std::uint64_t word) {
  auto equals = [word](std::uint64_t byte) {
    std::uint64_t difference = word ^ (kEveryByte * byte);
    return (difference - kEveryByte) & ~difference;
  };
  std::uint64_t below_space = (word - kEveryByte * 0x20) & ~word;
  return ((below_space | equals('"') | equals('\\') | equals(0x7f) | word) & kHighBits) != 0;
}
constexpr bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

std::uint64_t load(const char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Copies `text` up to the first word with something to escape and says how much that was.
std::size_t copy_plain(char* out, std::string_view text) {
  constexpr std::size_t kStep = sizeof(std::uint64_t);
  std::size_t at = 0;
  if (text.size() < kStep) {
    for (; at < text.size() && is_plain(static_cast<unsigned char>(text[at])); ++at) out[at] = text[at];
    return at;
  }
  for (; at + kStep <= text.size(); at += kStep) {
    std::uint64_t word = load(text.data() + at);
    if (needs_escape(word)) return at;
    std::memcpy(out + at, &word, kStep);
  }
  if (at == text.size()) return at;
  std::uint64_t last = load(text.data() + text.size() - kStep);  // overlaps what was copied
  if (needs_escape(last)) return at;
  std::memcpy(out + text.size() - kStep, &last, kStep);
  return text.size();
}

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_hex(char* out, std::string_view prefix, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out = put(out, prefix);
  *out++ = kDigits[byte >> 4];
  *out++ = kDigits[byte & 15];
  return out;
}

char* put_json_escaped(char* out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    auto byte = static_cast<unsigned char>(text[at]);
    std::size_t length = byte < 0x80 ? 1 : base::utf8_length(text.substr(at));
    if (byte == '"' || byte == '\\') {
      *out++ = '\\';
      *out++ = text[at++];
    } else if (byte < 0x20 || byte == 0x7f || length == 0) {
      out = put_hex(out, "\\u00", byte);
      ++at;
    } else {
      out = put(out, text.substr(at, length));
      at += length;
    }
  }
  return out;
}

char* put_text_escaped(char* out, std::string_view text) {
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (is_plain(byte)) {
      *out++ = c;
    } else if (c == '"' || c == '\\') {
      *out++ = '\\';
      *out++ = c;
    } else {
      out = put_hex(out, "\\x", byte);
    }
  }
  return out;
}

char* put_number(char* out, std::uint64_t value) { return std::to_chars(out, out + kNumberBytes, value).ptr; }

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

// The text of a field that is text; nothing for numbers and times.
const std::string_view* text_of(LogField field, const Record& record) {
  static constexpr TlsRecord kNoTls;
  const TlsRecord& tls = record.tls != nullptr ? *record.tls : kNoTls;
  switch (field) {
    case LogField::tls_version:
      return &tls.version;
    case LogField::tls_cipher:
      return &tls.cipher;
    case LogField::tls_sni:
      return &tls.sni;
    case LogField::tls_alpn:
      return &tls.alpn;
    case LogField::tls_client_subject:
      return &tls.client_subject;
    case LogField::client:
      return &record.client;
    case LogField::method:
      return &record.method;
    case LogField::target:
      return &record.target;
    case LogField::path:
      return &record.path;
    case LogField::query:
      return &record.query;
    case LogField::host:
      return &record.host;
    case LogField::version:
      return &record.version;
    case LogField::listener:
      return &record.listener;
    case LogField::route:
      return &record.route;
    case LogField::pool:
      return &record.pool;
    case LogField::backend:
      return &record.backend;
    case LogField::request_id:
      return &record.request_id;
    case LogField::user_agent:
      return &record.user_agent;
    case LogField::referer:
      return &record.referer;
    case LogField::termination:
      return &record.termination;
    case LogField::detail:
      return &record.detail;
    default:
      return nullptr;
  }
}

bool is_text(LogField field) { return text_of(field, {}) != nullptr; }

std::expected<LogField, std::string> field_named(std::string_view name) {
  auto found = std::ranges::find(config::kLogFieldNames, name);
  if (found != config::kLogFieldNames.end()) return LogField(found - config::kLogFieldNames.begin());
  std::string_view near = base::nearest(name, config::kLogFieldNames);
  return std::unexpected(near.empty() ? fmt::format("unknown field %{{{}}}", name)
                                      : fmt::format("unknown field %{{{}}}, did you mean %{{{}}}?", name, near));
}

}  // namespace

void DateText::render(std::int64_t unix_second) {
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::int64_t kLast = 253'402'300'799;  // 9999-12-31T23:59:59
  std::chrono::sys_seconds time{std::chrono::seconds(std::clamp<std::int64_t>(unix_second, 0, kLast))};
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(time - day);
  auto year = static_cast<int>(date.year());
  auto month = static_cast<unsigned>(date.month());
  auto day_of_month = static_cast<unsigned>(date.day());
  auto hour = clock.hours().count(), minute = clock.minutes().count(), second = clock.seconds().count();
  fmt::format_to(rfc3339_.data(), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", year, month, day_of_month, hour, minute,
                 second);
  fmt::format_to(clf_.data(), "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", day_of_month, kMonths[month - 1], year, hour,
                 minute, second);
  second_ = unix_second;
}

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
