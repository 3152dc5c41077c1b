#include "access_log/format.h"

#include <map>
#include <string>

#include "gtest/gtest.h"

#include "base/text.h"

namespace weir::access_log {
namespace {

Record full_record() {
  Record record;
  record.unix_ms = 1'784'616'251'042;  // 2026-07-21T06:44:11.042Z
  record.client = "203.0.113.9";
  record.client_port = 40321;
  record.method = "GET";
  record.target = "/v1/items?page=2";
  record.path = "/v1/items";
  record.query = "page=2";
  record.host = "api.example.com";
  record.version = "HTTP/1.1";
  record.status = 200;
  record.bytes_in = 412;
  record.bytes_out = 18'446'744'073'709'551'615u;
  record.duration = std::chrono::nanoseconds(12'345'678);
  record.upstream = std::chrono::nanoseconds(999);
  record.queue = std::chrono::nanoseconds(0);
  record.listener = "web";
  record.route = "api";
  record.pool = "site";
  record.backend = "web-1";
  record.attempts = 2;
  record.request_id = "6ba7b810";
  record.user_agent = "curl/7.88.1";
  record.referer = "https://example.com/";
  record.termination = "done";
  record.detail = "why";
  return record;
}

std::string line(std::string_view format, const Record& record) {
  auto compiled = Format::compile(format);
  return compiled ? compiled->line(record) : "error: " + compiled.error();
}

std::string error(std::string_view format) {
  auto compiled = Format::compile(format);
  return compiled ? "" : compiled.error();
}

constexpr TlsRecord kTls{.version = "TLSv1.3",
                         .cipher = "TLS_AES_128_GCM_SHA256",
                         .sni = "site.example",
                         .alpn = "h2",
                         .client_subject = "CN=ann,O=\"Acme\"",
                         .resumed = true};

TEST(AccessFormat, WritesTlsAsJsonWhereThereIsTls) {
  Record record = full_record();
  record.tls = &kTls;
  EXPECT_TRUE(
      line("json", record)
          .ends_with(
              R"("termination":"done","detail":"why","tls_version":"TLSv1.3","tls_cipher":"TLS_AES_128_GCM_SHA256",)"
              R"("tls_sni":"site.example","tls_alpn":"h2","tls_resumed":true,)"
              R"("tls_client_subject":"CN=ann,O=\"Acme\""})"
              "\n"))
      << line("json", record);
  TlsRecord none;
  record.tls = &none;
  EXPECT_TRUE(line("json", record)
                  .ends_with(R"("tls_alpn":"","tls_resumed":false,"tls_client_subject":""})"
                             "\n"));
}

TEST(AccessFormat, WritesNothingOfTlsInTemplatesWithoutIt) {
  EXPECT_EQ(line("%{tls_version} %{tls_sni} %{tls_resumed} %{tls_client_subject}", Record{}), "- - - -\n");
}

TEST(AccessFormat, WritesEveryFieldAsJson) {
  EXPECT_EQ(line("json", full_record()),
            R"({"time":"2026-07-21T06:44:11.042Z","client":"203.0.113.9","client_port":40321,"method":"GET",)"
            R"("target":"/v1/items?page=2","path":"/v1/items","query":"page=2","host":"api.example.com",)"
            R"("version":"HTTP/1.1","status":200,"bytes_in":412,"bytes_out":18446744073709551615,)"
            R"("duration_ms":12.345,"upstream_ms":0.000,"queue_ms":0.000,"listener":"web","route":"api",)"
            R"("pool":"site","backend":"web-1","attempts":2,"request_id":"6ba7b810","user_agent":"curl/7.88.1",)"
            R"("referer":"https://example.com/","termination":"done","detail":"why"})"
            "\n");
}

TEST(AccessFormat, WritesAnEmptyRecordAsJson) {
  std::string text = line("json", Record{});
  EXPECT_TRUE(text.starts_with(R"({"time":"1970-01-01T00:00:00.000Z","client":"","client_port":0,"method":"",)"))
      << text;
  EXPECT_TRUE(text.ends_with(R"("termination":"","detail":""})"
                             "\n"));
}

TEST(AccessFormat, WritesTheCombinedLog) {
  Record record = full_record();
  record.bytes_out = 5120;
  record.detail = {};
  EXPECT_EQ(line("combined", record),
            "203.0.113.9 - - [21/Jul/2026:06:44:11 +0000] \"GET /v1/items?page=2 HTTP/1.1\" 200 5120 "
            "\"https://example.com/\" \"curl/7.88.1\"\n");
  record.referer = {};
  record.user_agent = {};
  EXPECT_TRUE(line("combined", record).ends_with(" 200 5120 \"-\" \"-\"\n"));
}

TEST(AccessFormat, AddsTheCauseOfAFailureToTheCombinedLog) {
  Record record = full_record();
  record.termination = "backend_refused";
  record.detail = "connect: Connection refused";
  EXPECT_TRUE(
      line("combined", record).ends_with(" \"curl/7.88.1\" \"backend_refused\" \"connect: Connection refused\"\n"));
}

TEST(AccessFormat, WritesTemplatesWithEveryField) {
  const std::map<std::string, std::string> expected = {{"time", "2026-07-21T06:44:11.042Z"},
                                                       {"client", "203.0.113.9"},
                                                       {"client_port", "40321"},
                                                       {"method", "GET"},
                                                       {"target", "/v1/items?page=2"},
                                                       {"path", "/v1/items"},
                                                       {"query", "page=2"},
                                                       {"host", "api.example.com"},
                                                       {"version", "HTTP/1.1"},
                                                       {"status", "200"},
                                                       {"bytes_in", "412"},
                                                       {"bytes_out", "18446744073709551615"},
                                                       {"duration_ms", "12.345"},
                                                       {"upstream_ms", "0.000"},
                                                       {"queue_ms", "0.000"},
                                                       {"listener", "web"},
                                                       {"route", "api"},
                                                       {"pool", "site"},
                                                       {"backend", "web-1"},
                                                       {"attempts", "2"},
                                                       {"request_id", "6ba7b810"},
                                                       {"user_agent", "curl/7.88.1"},
                                                       {"referer", "https://example.com/"},
                                                       {"termination", "done"},
                                                       {"detail", "why"},
                                                       {"tls_version", "TLSv1.3"},
                                                       {"tls_cipher", "TLS_AES_128_GCM_SHA256"},
                                                       {"tls_sni", "site.example"},
                                                       {"tls_alpn", "h2"},
                                                       {"tls_resumed", "true"},
                                                       {"tls_client_subject", "CN=ann,O=\\\"Acme\\\""}};
  Record record = full_record();
  record.tls = &kTls;
  EXPECT_EQ(expected.size(), config::kLogFieldNames.size());
  for (std::string_view name : config::kLogFieldNames) {
    EXPECT_EQ(line("[%{" + std::string(name) + "}]", record), "[" + expected.at(std::string(name)) + "]\n");
  }
}

TEST(AccessFormat, KeepsTheLiteralTextOfATemplate) {
  EXPECT_EQ(line("100%% of\t\"%{status}\" {x} \\n \xc3\xb6%{method}%{method}", full_record()),
            "100% of\t\"200\" {x} \\n \xc3\xb6GETGET\n");
  std::string literal(100, 'x');
  EXPECT_EQ(line(literal + "%{status}" + literal, full_record()), literal + "200" + literal + "\n");
  EXPECT_EQ(line("%{referer} %{query}", Record{}), "- -\n");
}

TEST(AccessFormat, SaysWhatIsWrongWithATemplate) {
  EXPECT_EQ(error("%{stats}"), "unknown field %{stats}, did you mean %{status}?");
  EXPECT_EQ(error("%{zzzzzzzz}"), "unknown field %{zzzzzzzz}");
  EXPECT_EQ(error("%{}"), "unknown field %{}");
  EXPECT_EQ(error("%{status} %h"), "'%' without '{' at position 11; write %% for a percent sign");
  EXPECT_EQ(error("%{status}%"), "'%' without '{' at position 10; write %% for a percent sign");
  EXPECT_EQ(error("a %{status"), "missing '}' after position 3");
  EXPECT_EQ(error("%{status}\n"), "control byte 0x0a at position 10");
  EXPECT_EQ(error("plain"), "neither json nor combined, and a template without any %{field}");
  EXPECT_NE(error(""), "");
  EXPECT_NE(error("JSON"), "");
}

// Whatever a client sends in any text field, in any place of it: one line, and quotes that stay closed.
TEST(AccessFormat, LetsNoClientForgeALine) {
  const std::string_view attack("x\"\n\r\\\t\0\x1b[31m\x7f\x85\xe2\x80\xa8 {\"status\":200}", 32);
  for (std::size_t lead = 0; lead < 20; ++lead) {
    std::string text = std::string(lead, 'a') + std::string(attack);
    Record record = full_record();
    for (std::string_view* field :
         {&record.client, &record.method, &record.target, &record.path, &record.query, &record.host, &record.version,
          &record.listener, &record.route, &record.pool, &record.backend, &record.request_id, &record.user_agent,
          &record.referer, &record.termination, &record.detail}) {
      *field = text;
    }
    for (const char* format : {"json", "combined", "%{user_agent} \"%{target}\""}) {
      std::string written = line(format, record);
      EXPECT_EQ(written.find_first_of("\r\n"), written.size() - 1) << format;
      for (char c : written.substr(0, written.size() - 1)) {
        EXPECT_GE(static_cast<unsigned char>(c), 0x20) << format;
        EXPECT_NE(c, 0x7f) << format;
      }
    }
    EXPECT_EQ(line("%{user_agent}", record),
              std::string(lead, 'a') +
                  "x\\\"\\x0a\\x0d\\\\\\x09\\x00\\x1b[31m\\x7f\\x85\\xe2\\x80\\xa8 {\\\"status\\\":200}\n");
    std::string escaped;
    base::append_json_escaped(escaped, text);
    EXPECT_TRUE(line("json", record).contains("\"user_agent\":\"" + escaped + "\",\"referer\":\"" + escaped + "\""));
  }
}

TEST(AccessFormat, EscapesEveryByteLikeTheJsonOfTheRest) {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t length : {1, 7, 8, 9, 16, 31}) {
      for (std::size_t at : {std::size_t{0}, length / 2, length - 1}) {
        std::string text(length, 'a');
        text[at] = static_cast<char>(byte);
        Record record;
        record.detail = text;
        std::string expected = "\"detail\":\"";
        base::append_json_escaped(expected, text);
        EXPECT_TRUE(line("json", record).ends_with(expected + "\"}\n")) << byte << " at " << at << " of " << length;
      }
    }
  }
}

TEST(AccessFormat, LeavesValidUtf8InJsonAlone) {
  Record record;
  record.user_agent = "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x98\x80";
  EXPECT_TRUE(line("json", record).contains("\"user_agent\":\"K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x98\x80\""));
}

TEST(AccessFormat, CutsWhatIsTooLong) {
  std::string text(Format::kMaxFieldBytes, 'a');
  Record record;
  record.target = text;
  EXPECT_EQ(line("%{target}", record), text + "\n");
  std::string longer = text + "b";
  record.target = longer;
  EXPECT_EQ(line("%{target}", record), text + "...\n");
}

TEST(AccessFormat, NeverWritesMoreThanItsBound) {
  std::string worst(Format::kMaxFieldBytes + 1, '\x01');
  Record record = full_record();
  record.bytes_in = record.bytes_out = UINT64_MAX;
  record.duration = record.upstream = record.queue = base::Nanoseconds::max();
  record.attempts = UINT32_MAX;
  for (std::string_view* field :
       {&record.client, &record.method, &record.target, &record.path, &record.query, &record.host, &record.version,
        &record.listener, &record.route, &record.pool, &record.backend, &record.request_id, &record.user_agent,
        &record.referer, &record.termination, &record.detail}) {
    *field = worst;
  }
  for (const char* text : {"json", "combined", "%{host}%{host}%{host}", "%{time}%{duration_ms}%{bytes_in}"}) {
    Format format = *Format::compile(text);
    EXPECT_LE(format.line(record).size(), format.bound(record)) << text;
    EXPECT_LE(format.line({}).size(), format.bound({})) << text;
  }
}

TEST(AccessFormat, ShowsTimesThatRanBackwardsAsZero) {
  Record record;
  record.duration = base::Nanoseconds(-5);
  EXPECT_EQ(line("%{duration_ms}", record), "0.000\n");
}

TEST(DateText, KeepsUpWithTime) {
  DateText dates;
  auto rfc3339 = [&](std::int64_t second) { return std::string(dates.rfc3339(second), DateText::kRfc3339Bytes); };
  auto clf = [&](std::int64_t second) { return std::string(dates.clf(second), DateText::kClfBytes); };
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.");
  EXPECT_EQ(rfc3339(951'782'399), "2000-02-28T23:59:59.");
  EXPECT_EQ(rfc3339(951'782'400), "2000-02-29T00:00:00.");
  EXPECT_EQ(clf(951'782'400), "29/Feb/2000:00:00:00 +0000");
  EXPECT_EQ(clf(4'107'542'399), "28/Feb/2100:23:59:59 +0000");
  EXPECT_EQ(clf(4'107'542'400), "01/Mar/2100:00:00:00 +0000");
  EXPECT_EQ(rfc3339(951'782'400), "2000-02-29T00:00:00.");  // back again
}

TEST(DateText, StaysWithinItsLengthForAnyTime) {
  DateText dates;
  for (std::int64_t second : {INT64_MIN, std::int64_t{-1}, INT64_MAX / 1000, INT64_MAX}) {
    std::string text(dates.rfc3339(second), DateText::kRfc3339Bytes);
    EXPECT_TRUE(text == "1970-01-01T00:00:00." || text == "9999-12-31T23:59:59.") << text;
  }
}

TEST(DateText, OfATimeBefore1970StillHasThreeDigitsOfMilliseconds) {
  Record record;
  record.unix_ms = -1;
  EXPECT_EQ(line("%{time}", record), "1970-01-01T00:00:00.999Z\n");
}

}  // namespace
}  // namespace weir::access_log
