#include "net/client_hello.h"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

using State = ClientHello::State;

std::string number(std::size_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}
std::string counted(const std::string& text, int length_bytes) { return number(text.size(), length_bytes) + text; }

std::string name_extension(const std::string& name) {
  return number(0, 2) + counted(counted(std::string(1, '\0') + counted(name, 2), 2), 2);
}
std::string alpn_extension(const std::string& names) { return number(16, 2) + counted(counted(names, 2), 2); }

std::string message(const std::string& extensions) {
  std::string body = "\x03\x03" + std::string(32, 'r') + counted(std::string(32, 's'), 1) +
                     counted("\x13\x01\x13\x02", 2) + counted(std::string(1, '\0'), 1) + counted(extensions, 2);
  return "\1" + counted(body, 3);
}
std::string record(const std::string& part) { return std::string("\x16\x03\x01") + counted(part, 2); }

TEST(ClientHello, TellsServerNameAndProtocols) {
  std::string extensions = number(10, 2) + counted("abcd", 2) + name_extension("WWW.Example.com.") +
                           alpn_extension(counted("h2", 1) + counted("http/1.1", 1));
  ClientHello hello = parse_client_hello(record(message(extensions)) + "more");
  ASSERT_EQ(hello.state, State::complete) << hello.what;
  EXPECT_EQ(hello.server_name, "www.example.com");
  EXPECT_EQ(hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
}

TEST(ClientHello, MayNameNobody) {
  ClientHello hello = parse_client_hello(record(message("")));
  ASSERT_EQ(hello.state, State::complete) << hello.what;
  EXPECT_EQ(hello.server_name, "");
  EXPECT_TRUE(hello.alpn.empty());
}

TEST(ClientHello, WaitsForTheRestHoweverItIsCut) {
  std::string whole = message(name_extension("a.example") + number(21, 2) + counted(std::string(600, 'p'), 2));
  for (std::size_t cut : {1u, 3u, 4u, 60u, 300u}) {
    std::string records;
    for (std::size_t at = 0; at < whole.size(); at += cut) records += record(whole.substr(at, cut));
    for (std::size_t size = 0; size < records.size(); ++size) {
      ASSERT_EQ(parse_client_hello(std::string_view(records).substr(0, size)).state, State::incomplete) << cut << size;
    }
    EXPECT_EQ(parse_client_hello(records).server_name, "a.example");
  }
}

TEST(ClientHello, RefusesWhatIsNone) {
  for (const std::string& bad :
       {std::string("GET / HTTP/1.1\r\n"), std::string("\x16\x02"), record("\2abc"), record(""),
        record(std::string("\1\1\0\0", 4)), record("\1" + counted("short", 3)), record(message(name_extension(""))),
        record(message(name_extension("a b"))), record(message(name_extension("a") + name_extension("b"))),
        record(message(alpn_extension(""))), record(message(alpn_extension(std::string(1, '\0')))),
        record(message(number(0, 2) + number(9, 2) + "x"))}) {
    EXPECT_EQ(parse_client_hello(bad).state, State::invalid) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace weir::net
