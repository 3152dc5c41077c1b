// Parsing and writing HTTP/1 heads and bodies, per message.
#include <array>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"

#include "http/accept.h"
#include "http/cookie.h"
#include "http/forward.h"
#include "http/h1_codec.h"
#include "http/query.h"
#include "http/target.h"

namespace weir::http {
namespace {

constexpr std::string_view kBrowserRequest =  // 330 bytes
    "GET /articles/2024/load-balancing?page=2&sort=new HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: id=8f1e\r\n"
    "\r\n";
static_assert(kBrowserRequest.size() == 330);

constexpr std::string_view kLongBrowserRequest =
    "GET /static/app.3f9c1d.js HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua: \"Chromium\";v=\"126\", \"Not.A/Brand\";v=\"24\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Accept: */*\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: no-cors\r\n"
    "Sec-Fetch-Dest: script\r\n"
    "Referer: https://www.example.com/articles/2024/load-balancing?page=2\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n"
    "Cookie: _ga=GA1.1.1391219713.1718000000; session=eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxMjN9.c2lnbmF0dXJl; "
    "theme=dark\r\n"
    "\r\n";

constexpr std::string_view kLoadGeneratorRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 5120\r\n"
    "Connection: keep-alive\r\n"
    "ETag: \"5f3a-17\"\r\n"
    "Cache-Control: max-age=60\r\n"
    "\r\n";

void parse_request(benchmark::State& state, std::string_view text) {
  const std::string bytes(text);
  RequestHead head;
  for (auto _ : state) {
    Parsed parsed = parse_request_head(bytes, {}, head);
    benchmark::DoNotOptimize(parsed);
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
  state.counters["bytes"] = static_cast<double>(bytes.size());
  state.counters["fields"] = static_cast<double>(head.headers.size());
}
BENCHMARK_CAPTURE(parse_request, browser, kBrowserRequest);
BENCHMARK_CAPTURE(parse_request, browser_with_client_hints, kLongBrowserRequest);
BENCHMARK_CAPTURE(parse_request, load_generator, kLoadGeneratorRequest);

void parse_response(benchmark::State& state) {
  const std::string bytes(kResponse);
  ResponseHead head;
  for (auto _ : state) {
    Parsed parsed = parse_response_head(bytes, {}, "GET", head);
    benchmark::DoNotOptimize(parsed);
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(parse_response);

void look_up_header_id(benchmark::State& state) {
  std::array<std::string, 8> names = {"Host",   "User-Agent",      "Accept",     "Accept-Language",
                                      "Cookie", "Accept-Encoding", "Connection", "Sec-Fetch-Site"};
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(header_id(names[i++ & 7]));
}
BENCHMARK(look_up_header_id);

void write_request(benchmark::State& state, bool from_source) {
  RequestHead head;
  parse_request_head(kLongBrowserRequest, {}, head);
  const std::string_view source = from_source ? kLongBrowserRequest : std::string_view();
  std::vector<char> buffer(4096);
  for (auto _ : state) {
    HeadWriter writer(buffer);
    writer.request_line(head.method, head.target);
    const HopByHop hop(head.headers);
    write_fields(writer, head.headers, source, [&hop](const HeaderField& field) { return !hop.ends_here(field); });
    writer.field("X-Forwarded-For", "192.0.2.1");
    writer.field("X-Forwarded-Proto", "http");
    writer.end();
    benchmark::DoNotOptimize(buffer.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(write_request, field_by_field, false);
BENCHMARK_CAPTURE(write_request, in_runs, true);

void decode_chunks(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::string body;
  for (std::size_t done = 0; done < 65536; done += size) {
    char header[kChunkHeaderBytes];
    body.append(header, write_chunk_header(header, size));
    body.append(std::string(size, 'x')).append(kChunkEnd);
  }
  body.append(kLastChunkWithoutTrailers);
  ChunkedDecoder decoder;
  for (auto _ : state) {
    decoder.reset();
    std::string_view rest = body;
    ChunkedDecoder::Step step;
    while (!step.done && step.error == nullptr) {
      step = decoder.next(rest);
      benchmark::DoNotOptimize(step.data);
      rest.remove_prefix(step.consumed);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(65536 / size));
}
BENCHMARK(decode_chunks)->Arg(64)->Arg(4096);

void normalize_path(benchmark::State& state, std::string path) {
  base::Arena arena;
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(normalized_path(path, arena));
  }
}
BENCHMARK_CAPTURE(normalize_path, plain, "/articles/2024/load-balancing");
BENCHMARK_CAPTURE(normalize_path, with_dots_and_escapes, "/articles/../%61rticles/./2024/load%2dbalancing");

void find_in_request(benchmark::State& state) {
  RequestHead head;
  parse_request_head(kLongBrowserRequest, {}, head);
  for (auto _ : state) {
    benchmark::DoNotOptimize(find_cookie(head.headers, "session"));
    benchmark::DoNotOptimize(prefers_json(head.headers));
    benchmark::DoNotOptimize(find_parameter("page=2&sort=recent&user=17", "user"));
  }
}
BENCHMARK(find_in_request);

}  // namespace
}  // namespace weir::http
