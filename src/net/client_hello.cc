#include "net/client_hello.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace weir::net {
namespace {

using State = ClientHello::State;

constexpr std::size_t kRecordHead = 5;
constexpr std::size_t kMessageHead = 4;
constexpr std::size_t kMaxRecord = 16 * 1024;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::size_t kServerNameExtension = 0;
constexpr std::size_t kAlpnExtension = 16;
constexpr std::size_t kMaxNames = 64;  // of protocols

ClientHello invalid(const char* what) { return {.state = State::invalid, .server_name = {}, .alpn = {}, .what = what}; }

// Takes fields off the front of a message. After a field that is not there `failed` stays set and all further are
// empty.
struct Fields {
  std::string_view rest;
  bool failed = false;

  std::string_view take(std::size_t bytes) {
    if (failed || rest.size() < bytes) {
      failed = true;
      return {};
    }
    std::string_view taken = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return taken;
  }
  std::size_t number(std::size_t bytes) {
    std::size_t value = 0;
    for (char part : take(bytes)) value = value << 8 | static_cast<std::uint8_t>(part);
    return value;
  }
  // A field with its length in front, of so many bytes.
  std::string_view counted(std::size_t length_bytes) { return take(number(length_bytes)); }
};

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

const char* take_server_name(std::string_view extension, ClientHello& hello) {
  Fields list{extension};
  Fields names{list.counted(2)};
  if (list.failed || !list.rest.empty() || names.rest.empty()) return "malformed list of server names";
  while (!names.rest.empty()) {
    std::size_t kind = names.number(1);
    std::string_view name = names.counted(2);
    if (names.failed) return "malformed list of server names";
    if (kind != 0) continue;
    if (!hello.server_name.empty()) return "more than one server name";
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty() || name.size() > 255) return "a server name that is empty or too long";
    hello.server_name = base::to_lower(name);
    if (!std::ranges::all_of(hello.server_name, is_host_character)) return "a server name that is no host name";
  }
  return nullptr;
}

const char* take_alpn(std::string_view extension, ClientHello& hello) {
  Fields list{extension};
  Fields names{list.counted(2)};
  if (list.failed || !list.rest.empty() || names.rest.empty()) return "malformed list of protocols";
  while (!names.rest.empty()) {
    std::string_view name = names.counted(1);
    if (names.failed || name.empty()) return "malformed list of protocols";
    if (hello.alpn.size() < kMaxNames) hello.alpn.emplace_back(name);
  }
  return nullptr;
}

// RFC 8446 4.1.2.
ClientHello parse_message(std::string_view message) {
  Fields fields{message};
  fields.take(2 + 32);  // legacy_version, random
  bool session_fits = fields.counted(1).size() <= 32;
  std::string_view suites = fields.counted(2);
  std::string_view compression = fields.counted(1);
  if (fields.failed || !session_fits || suites.empty() || suites.size() % 2 != 0 || compression.empty()) {
    return invalid("malformed hello");
  }
  ClientHello hello{.state = State::complete, .server_name = {}, .alpn = {}};
  if (fields.rest.empty()) return hello;
  Fields extensions{fields.counted(2)};
  if (fields.failed || !fields.rest.empty()) return invalid("malformed extensions");
  bool named = false;
  bool has_alpn = false;
  while (!extensions.rest.empty()) {
    std::size_t kind = extensions.number(2);
    std::string_view value = extensions.counted(2);
    if (extensions.failed) return invalid("malformed extensions");
    const char* fault = nullptr;
    if (kind == kServerNameExtension) {
      fault = std::exchange(named, true) ? "server names twice" : take_server_name(value, hello);
    } else if (kind == kAlpnExtension) {
      fault = std::exchange(has_alpn, true) ? "protocols twice" : take_alpn(value, hello);
    }
    if (fault != nullptr) return invalid(fault);
  }
  return hello;
}

// The length of the message, once its head is there.
std::optional<std::size_t> message_length(std::string_view message) {
  if (message.size() < kMessageHead) return std::nullopt;
  Fields head{message.substr(1)};
  return kMessageHead + head.number(3);
}

}  // namespace

ClientHello parse_client_hello(std::string_view bytes) {
  std::string message;
  while (true) {
    if (!bytes.empty() && static_cast<std::uint8_t>(bytes[0]) != kHandshakeRecord)
      return invalid("not a handshake of TLS");
    if (bytes.size() >= 2 && bytes[1] != 3) return invalid("not a version of TLS");
    if (bytes.size() < kRecordHead) return {};
    Fields record{bytes.substr(3)};
    std::size_t length = record.number(2);
    if (length == 0 || length > kMaxRecord) return invalid("a record with an impossible length");
    std::string_view part = record.rest.substr(0, length);
    message += part;
    if (!message.empty() && static_cast<std::uint8_t>(message[0]) != kClientHelloMessage) {
      return invalid("does not begin with a hello");
    }
    if (auto whole = message_length(message)) {
      if (*whole > kMaxClientHelloBytes) return invalid("a hello larger than 16 KB");
      if (message.size() >= *whole)
        return parse_message(std::string_view(message).substr(kMessageHead, *whole - kMessageHead));
    }
    if (part.size() < length) return {};
    bytes.remove_prefix(kRecordHead + length);
  }
}

}  // namespace weir::net
