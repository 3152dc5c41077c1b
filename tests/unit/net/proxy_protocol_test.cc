#include "net/proxy_protocol.h"

#include <gtest/gtest.h>
#include <vector>

namespace weir::net {
namespace {

using State = ProxyHeader::State;
using std::literals::operator""sv;

constexpr std::string_view kStart = "\r\n\r\n\0\r\nQUIT\n"sv;

std::string v2(std::string_view command_and_family, std::string_view rest) {
  std::string header(kStart);
  header += command_and_family;
  header.push_back(static_cast<char>(rest.size() >> 8));
  header.push_back(static_cast<char>(rest.size()));
  return header + std::string(rest);
}

TEST(ProxyProtocol, ReadsAddressesOfVersion1) {
  std::string_view text = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET /";
  ProxyHeader header = parse_proxy_header(text);
  ASSERT_EQ(header.state, State::complete);
  EXPECT_EQ(text.substr(header.bytes), "GET /");
  EXPECT_EQ(header.source->to_string(), "192.0.2.7:56324");
  EXPECT_EQ(header.destination->to_string(), "198.51.100.1:443");
  header = parse_proxy_header("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n");
  ASSERT_EQ(header.state, State::complete);
  EXPECT_EQ(header.source->to_string(), "[2001:db8::1]:1");
}

TEST(ProxyProtocol, TakesUnknownOfVersion1WithoutAddresses) {
  for (std::string_view text : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 whatever\r\n"}) {
    ProxyHeader header = parse_proxy_header(text);
    EXPECT_EQ(header.state, State::complete) << text;
    EXPECT_EQ(header.bytes, text.size());
    EXPECT_FALSE(header.source);
  }
}

TEST(ProxyProtocol, RefusesWhatVersion1DoesNotAllow) {
  for (std::string_view bad :
       {"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n", "PROXY TCP4 2001:db8::1 ::2 1 2\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n", "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n", "PROXY \r\n"}) {
    EXPECT_EQ(parse_proxy_header(bad).state, State::invalid) << bad;
  }
  EXPECT_EQ(parse_proxy_header("PROXY UNKNOWN " + std::string(100, 'x')).state, State::invalid);
}

TEST(ProxyProtocol, WaitsForTheRestOfAHeaderAndKnowsWhatIsNone) {
  std::vector<std::string> headers{"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
                                   v2("\x21\x11", "\x7f\0\0\1\x7f\0\0\2\0\x50\1\xbb"sv)};
  for (const std::string& header : headers) {
    for (std::size_t size = 0; size < header.size(); ++size) {
      EXPECT_EQ(parse_proxy_header(std::string_view(header).substr(0, size)).state, State::incomplete) << size;
    }
    EXPECT_EQ(parse_proxy_header(header).state, State::complete);
  }
  for (std::string_view none : {"GET / HTTP/1.1\r\n", "PROPFIND", "\r\n\r\n\1", "\x16\x03\x01", "P "}) {
    EXPECT_EQ(parse_proxy_header(none).state, State::absent) << none;
  }
}

TEST(ProxyProtocol, ReadsAddressesOfVersion2) {
  ProxyHeader header = parse_proxy_header(v2("\x21\x11", "\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb"sv) + "rest");
  ASSERT_EQ(header.state, State::complete);
  EXPECT_EQ(header.bytes, 28u);
  EXPECT_EQ(header.source->to_string(), "192.0.2.7:56324");
  EXPECT_EQ(header.destination->to_string(), "198.51.100.1:443");
  std::string two_v6 = std::string(15, '\0') + "\1" + std::string(15, '\0') + "\2";
  header = parse_proxy_header(v2("\x21\x21", two_v6 + std::string("\0\1\0\2", 4)));
  EXPECT_EQ(header.source->to_string(), "[::1]:1");
}

TEST(ProxyProtocol, TakesFromVersion2NoAddressesThatAreNotOfAConnection) {
  std::string twelve(12, '\1');
  for (const std::string& header : {v2("\x20\x11", twelve), v2("\x20\x00"sv, ""), v2("\x21\x00"sv, ""),
                                    v2("\x21\x12", twelve), v2("\x21\x31", std::string(216, 'u'))}) {
    ProxyHeader parsed = parse_proxy_header(header);
    EXPECT_EQ(parsed.state, State::complete);
    EXPECT_EQ(parsed.bytes, header.size());
    EXPECT_FALSE(parsed.source);
  }
}

TEST(ProxyProtocol, RefusesWhatVersion2DoesNotAllow) {
  std::string twelve(12, '\1');
  for (const std::string& bad :
       {v2("\x11\x11", twelve), v2("\x22\x11", twelve), v2("\x21\x41", twelve), v2("\x21\x13", twelve),
        v2("\x21\x11", "short"), v2("\x21\x21", twelve), v2("\x21\x11", twelve + std::string("\1\0", 2)),
        v2("\x21\x11", twelve + std::string("\1\0\5ab", 5)), v2("\x21\x11", std::string(2048, 'x'))}) {
    EXPECT_EQ(parse_proxy_header(bad).state, State::invalid);
  }
}

// 192.0.2.7:56324 to 198.51.100.1:443, ALPN h2, this checksum, and the server name "a".
std::string with_checksum(std::string_view checksum) {
  std::string rest("\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb\x01\x00\x02h2\x03\x00"sv);
  rest.push_back(static_cast<char>(checksum.size()));
  return v2("\x21\x11", rest.append(checksum).append("\x02\x00\x01\x61"sv));
}

TEST(ProxyProtocol, VerifiesTheChecksumOfVersion2) {
  std::string good = with_checksum("\x3b\xe7\xd2\xb0"sv);
  ProxyHeader parsed = parse_proxy_header(good);
  ASSERT_EQ(parsed.state, State::complete) << parsed.what;
  EXPECT_EQ(parsed.source->to_string(), "192.0.2.7:56324");
  // Every byte counts but that which says that the field is a checksum.
  std::size_t type = good.find("\x03\x00\x04"sv);
  for (std::size_t at = 16; at < good.size(); ++at) {
    if (at == type) continue;
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_EQ(parse_proxy_header(bad).state, State::invalid) << at;
  }
}

TEST(ProxyProtocol, RefusesAChecksumThatIsNone) {
  EXPECT_EQ(parse_proxy_header(with_checksum("\0\0\0\0"sv)).state, State::invalid);
  EXPECT_EQ(parse_proxy_header(with_checksum("\0\0\0"sv)).state, State::invalid);
  EXPECT_EQ(parse_proxy_header(with_checksum("\0\0\0\0\x03\0\4\0\0\0\0"sv)).state, State::invalid);
}

TEST(ProxyProtocol, WritesAChecksumThatItVerifies) {
  ProxyClient client;
  client.source = *base::SocketAddress::parse("192.0.2.7:56324");
  client.destination = *base::SocketAddress::parse("198.51.100.1:443");
  client.alpn = "h2";
  std::string header = proxy_header_v2(client, true);
  EXPECT_EQ(header.size(), proxy_header_v2(client).size() + 7);
  ProxyHeader parsed = parse_proxy_header(header);
  ASSERT_EQ(parsed.state, State::complete) << parsed.what;
  EXPECT_EQ(parsed.bytes, header.size());
  EXPECT_EQ(*parsed.source, client.source);
  header[17] = static_cast<char>(header[17] ^ 1);
  EXPECT_EQ(parse_proxy_header(header).state, State::invalid);
}

TEST(ProxyProtocol, ReadsWhatItWrites) {
  ProxyClient client;
  client.source = *base::SocketAddress::parse("192.0.2.7:56324");
  client.destination = *base::SocketAddress::parse("198.51.100.1:443");
  EXPECT_EQ(proxy_header_v1(client), "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n");
  client.alpn = "h2";
  client.server_name = "a.example";
  client.unique_id = "0123";
  client.tls = true;
  client.tls_version = "TLSv1.3";
  client.certificate_verified = true;
  client.certificate_name = "device 7";
  std::string header = proxy_header_v2(client);
  EXPECT_NE(header.find("\x01\x00\x02h2\x02\x00\x09"
                        "a.example\x05\x00\x04"
                        "0123\x20"sv),
            header.npos);
  EXPECT_NE(header.find("\x03\0\0\0\0\x21\0\x07TLSv1.3\x22\0\x08"
                        "device 7"sv),
            header.npos);
  for (std::string_view text :
       {std::string_view(header), std::string_view("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n")}) {
    ProxyHeader parsed = parse_proxy_header(text);
    ASSERT_EQ(parsed.state, State::complete) << parsed.what;
    EXPECT_EQ(parsed.bytes, text.size());
    EXPECT_EQ(*parsed.source, client.source);
    EXPECT_EQ(*parsed.destination, client.destination);
  }
}

TEST(ProxyProtocol, WritesAddressesOfDifferentFamiliesAsIpv6) {
  ProxyClient client;
  client.source = *base::SocketAddress::parse("192.0.2.7:1");
  client.destination = *base::SocketAddress::parse("[2001:db8::1]:2");
  EXPECT_EQ(proxy_header_v1(client), "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n");
  ProxyHeader parsed = parse_proxy_header(proxy_header_v2(client));
  EXPECT_EQ(*parsed.source, client.source);
  EXPECT_EQ(*parsed.destination, client.destination);
}

}  // namespace
}  // namespace weir::net
