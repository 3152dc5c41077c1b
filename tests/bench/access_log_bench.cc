// The cost of an access log line for a worker.
#include <cstdint>
#include <memory>
#include <string>

#include "benchmark/benchmark.h"

#include "access_log/log.h"

namespace weir::access_log {
namespace {

Record usual_record() {
  Record record;
  record.unix_ms = 1'784'616'251'042;
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
  record.bytes_out = 1834;
  record.duration = std::chrono::microseconds(12345);
  record.upstream = std::chrono::microseconds(11876);
  record.listener = "web";
  record.route = "web/3";
  record.pool = "site";
  record.backend = "web-1";
  record.attempts = 1;
  record.request_id = "6ba7b8109dad11d180b400c04fd430c8";
  record.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  record.referer = "https://www.example.com/start";
  record.termination = "done";
  return record;
}

// Requests arrive 20 microseconds apart, so that the date changes as it would.
void advance(Record& record, std::uint64_t number) { record.unix_ms += number % 50 == 0 ? 1 : 0; }

void format_line(benchmark::State& state, const char* text) {
  Format format = *Format::compile(text);
  Record record = usual_record();
  DateText dates;
  std::string out(format.bound(record), '\0');
  std::uint64_t number = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    advance(record, ++number);
    benchmark::DoNotOptimize(record);
    bytes = static_cast<std::size_t>(format.write(out.data(), record, dates) - out.data());
    benchmark::ClobberMemory();
  }
  state.counters["line_bytes"] = static_cast<double>(bytes);
}
BENCHMARK_CAPTURE(format_line, json, "json");
BENCHMARK_CAPTURE(format_line, combined, "combined");
BENCHMARK_CAPTURE(format_line, template, "%{time} %{client} \"%{method} %{target}\" %{status} %{duration_ms}");

// With the ring, the wake-ups and the writer on another core. Lines are dropped when the writer is slower than this
// loop; `dropped` says which share.
void write_to_log(benchmark::State& state) {
  auto log = Log::open(*Format::compile("json"), {.path = "/dev/null"});
  if (!log) {
    state.SkipWithError("cannot open /dev/null");
    return;
  }
  Record record = usual_record();
  std::uint64_t number = 0;
  for (auto _ : state) {
    advance(record, ++number);
    (*log)->write(0, record);
  }
  state.counters["dropped"] = static_cast<double>((*log)->dropped()) / static_cast<double>(number);
}
BENCHMARK(write_to_log);

}  // namespace
}  // namespace weir::access_log
