#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "net/crc32c.h"

namespace weir::net {
namespace {

using base::IpAddress;
using base::SocketAddress;
using State = ProxyHeader::State;

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kV1Bytes = 107;
constexpr std::string_view kV2Start("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2HeadBytes = 16;

enum Tlv : std::uint8_t { kAlpn = 0x01, kAuthority = 0x02, kCrc32c = 0x03, kUniqueId = 0x05, kSsl = 0x20 };
enum SslTlv : std::uint8_t { kSslVersion = 0x21, kSslCommonName = 0x22, kSslCipher = 0x23 };
constexpr std::size_t kMaxUniqueId = 128;

ProxyHeader invalid(const char* what) { return {.state = State::invalid, .what = what}; }

std::uint8_t byte(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
std::uint16_t number(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte(bytes, at) << 8 | byte(bytes, at + 1));
}

// The next word of `line`, which loses it and one space behind it.
std::string_view take_word(std::string_view& line) {
  std::size_t space = line.find(' ');
  std::string_view word = line.substr(0, space);
  line.remove_prefix(space == line.npos ? line.size() : space + 1);
  return word;
}

std::optional<IpAddress> address_of_v1(std::string_view word, bool v6) {
  bool looks_v6 = word.find(':') != word.npos;
  if (word.starts_with('[') || looks_v6 != v6) return std::nullopt;
  return IpAddress::parse(word);
}

std::optional<std::uint16_t> port_of_v1(std::string_view word) {
  if (word.size() > 1 && word.starts_with('0')) return std::nullopt;
  auto port = base::parse_unsigned(word, 65535);
  return port ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

ProxyHeader parse_v1(std::string_view bytes) {
  std::size_t end = bytes.substr(0, kV1Bytes).find("\r\n");
  if (end == bytes.npos) {
    if (bytes.size() >= kV1Bytes) return invalid("version 1: no line end within 107 bytes");
    return {};
  }
  ProxyHeader header{.state = State::complete, .bytes = end + 2};
  std::string_view line = bytes.substr(kV1Start.size(), end - kV1Start.size());
  std::string_view protocol = take_word(line);
  if (protocol == "UNKNOWN") return header;
  if (protocol != "TCP4" && protocol != "TCP6") return invalid("version 1: the protocol is not TCP4, TCP6 or UNKNOWN");
  bool v6 = protocol == "TCP6";
  auto source = address_of_v1(take_word(line), v6);
  auto destination = address_of_v1(take_word(line), v6);
  auto source_port = port_of_v1(take_word(line));
  bool more = line.find(' ') != line.npos;
  auto destination_port = port_of_v1(take_word(line));
  if (!source || !destination) return invalid("version 1: not an address of the protocol named");
  if (!source_port || !destination_port || more) return invalid("version 1: not two ports and the end of the line");
  header.source = SocketAddress{*source, *source_port};
  header.destination = SocketAddress{*destination, *destination_port};
  return header;
}

IpAddress address_of_v2(std::string_view bytes, bool v6) {
  if (!v6) return IpAddress::v4({byte(bytes, 0), byte(bytes, 1), byte(bytes, 2), byte(bytes, 3)});
  std::array<std::uint8_t, 16> address;
  for (std::size_t i = 0; i < address.size(); ++i) address[i] = byte(bytes, i);
  return IpAddress::v6(address);
}

constexpr std::size_t kCrcBytes = 4;

// Whether `crc`, a part of `header`, is its checksum, made with four zeros in that place (section 2.2.3).
bool is_checksum(std::string_view header, std::string_view crc) {
  auto at = static_cast<std::size_t>(crc.data() - header.data());
  std::uint32_t sum = crc32c(header.substr(0, at));
  sum = crc32c(std::string_view("\0\0\0\0", kCrcBytes), sum);
  sum = crc32c(header.substr(at + kCrcBytes), sum);
  return sum == (std::uint32_t{number(crc, 0)} << 16 | number(crc, 2));
}

// The end of `header` must be a row of type, length and value.
base::Result<void> check_tlvs(std::string_view header, std::string_view tlvs) {
  using base::ErrorCode;
  std::string_view crc;
  while (!tlvs.empty()) {
    if (tlvs.size() < 3) return base::fail(ErrorCode::protocol, "version 2: malformed additional fields");
    std::size_t length = number(tlvs, 1);
    if (tlvs.size() - 3 < length) return base::fail(ErrorCode::protocol, "version 2: malformed additional fields");
    if (byte(tlvs, 0) == kCrc32c) {
      bool is_one = length == kCrcBytes && crc.empty();
      if (!is_one) return base::fail(ErrorCode::protocol, "version 2: not one checksum of four bytes");
      crc = tlvs.substr(3, length);
    }
    tlvs.remove_prefix(3 + length);
  }
  if (crc.empty() || is_checksum(header, crc)) return {};
  return base::fail(ErrorCode::protocol, "version 2: the checksum (CRC32c) does not match");
}

ProxyHeader parse_v2(std::string_view bytes) {
  if (bytes.size() < kV2HeadBytes) return {};
  std::uint8_t command = byte(bytes, 12);
  std::uint8_t family = byte(bytes, 13);
  std::size_t length = number(bytes, 14);
  if (command != 0x20 && command != 0x21) return invalid("version 2: not version 2, or a command it does not have");
  if (kV2HeadBytes + length > kMaxProxyHeaderBytes) return invalid("version 2: the header is larger than 2048 bytes");
  if ((family >> 4) > 3 || (family & 15) > 2) return invalid("version 2: a family or protocol it does not have");
  if (bytes.size() < kV2HeadBytes + length) return {};
  ProxyHeader header{.state = State::complete, .bytes = kV2HeadBytes + length};
  std::string_view rest = bytes.substr(kV2HeadBytes, length);
  if (command == 0x20) return header;  // LOCAL: what follows is to be ignored
  std::size_t one = family >> 4 == 1 ? 4 : family >> 4 == 2 ? 16 : family >> 4 == 3 ? 108 : 0;
  std::size_t ports = one == 4 || one == 16 ? 4 : 0;
  if (rest.size() < 2 * one + ports) return invalid("version 2: too short for its addresses");
  base::Result<void> good = check_tlvs(bytes.substr(0, header.bytes), rest.substr(2 * one + ports));
  if (!good) return invalid(good.error().what);
  bool stream = (family & 15) == 1;
  if (ports == 0 || !stream) return header;
  bool v6 = one == 16;
  header.source = SocketAddress{address_of_v2(rest, v6), number(rest, 2 * one)};
  header.destination = SocketAddress{address_of_v2(rest.substr(one), v6), number(rest, 2 * one + 2)};
  return header;
}

// `start` begins with `bytes`, or the other way round.
bool may_begin(std::string_view bytes, std::string_view start) {
  std::size_t common = std::min(bytes.size(), start.size());
  return bytes.substr(0, common) == start.substr(0, common);
}

std::string v6_text(const IpAddress& address) {
  return address.is_v6() ? address.to_string() : "::ffff:" + address.to_string();
}

void append_address(std::string& out, const IpAddress& address, bool v6) {
  if (v6 && !address.is_v6()) out.append(10, '\0').append(2, '\xff');
  for (std::uint8_t part : address.bytes()) out.push_back(static_cast<char>(part));
}

void append_number(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void append_tlv(std::string& out, std::uint8_t type, std::string_view value, std::size_t longest = 255) {
  if (value.empty() || value.size() > longest) return;
  out.push_back(static_cast<char>(type));
  append_number(out, value.size());
  out += value;
}

std::string ssl_value(const ProxyClient& client) {
  constexpr char kTls = 1;
  constexpr char kCertificateOnConnection = 2;
  bool verified = client.certificate_verified;
  std::string value;
  value.push_back(static_cast<char>(verified ? kTls | kCertificateOnConnection : kTls));
  value.append(verified ? std::string(4, '\0') : std::string("\0\0\0\1", 4));  // zero: verified
  append_tlv(value, kSslVersion, client.tls_version);
  append_tlv(value, kSslCommonName, client.certificate_name);
  append_tlv(value, kSslCipher, client.tls_cipher);
  return value;
}

std::string v2_header(char command, char family, std::string rest, bool checksum) {
  if (checksum) append_tlv(rest, kCrc32c, std::string_view("\0\0\0\0", kCrcBytes));
  std::string header(kV2Start);
  header.push_back(command);
  header.push_back(family);
  append_number(header, rest.size());
  header += rest;
  if (!checksum) return header;
  std::uint32_t sum = crc32c(header);
  header.resize(header.size() - kCrcBytes);
  append_number(header, sum >> 16);
  append_number(header, sum & 0xffff);
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  if (may_begin(bytes, kV1Start)) return bytes.size() < kV1Start.size() ? ProxyHeader{} : parse_v1(bytes);
  if (may_begin(bytes, kV2Start)) return bytes.size() < kV2Start.size() ? ProxyHeader{} : parse_v2(bytes);
  return {.state = State::absent};
}

std::string proxy_header_v1(const ProxyClient& client) {
  const IpAddress& source = client.source.ip;
  const IpAddress& destination = client.destination.ip;
  bool v6 = source.is_v6() || destination.is_v6();
  return fmt::format("PROXY {} {} {} {} {}\r\n", v6 ? "TCP6" : "TCP4", v6 ? v6_text(source) : source.to_string(),
                     v6 ? v6_text(destination) : destination.to_string(), client.source.port, client.destination.port);
}

std::string proxy_header_v2(const ProxyClient& client, bool checksum) {
  bool v6 = client.source.ip.is_v6() || client.destination.ip.is_v6();
  std::string rest;
  append_address(rest, client.source.ip, v6);
  append_address(rest, client.destination.ip, v6);
  append_number(rest, client.source.port);
  append_number(rest, client.destination.port);
  append_tlv(rest, kAlpn, client.alpn);
  append_tlv(rest, kAuthority, client.server_name);
  append_tlv(rest, kUniqueId, client.unique_id, kMaxUniqueId);
  if (client.tls) append_tlv(rest, kSsl, ssl_value(client), kMaxProxyHeaderBytes);
  return v2_header('\x21', v6 ? '\x21' : '\x11', std::move(rest), checksum);
}

std::string proxy_header_local(bool checksum) { return v2_header('\x20', '\0', {}, checksum); }

}  // namespace weir::net
