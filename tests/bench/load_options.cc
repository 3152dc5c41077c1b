#include "tests/bench/load_options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>

namespace weir::bench {

namespace {

[[noreturn]] void usage() {
  std::fputs(
      "usage: bench_load --port PORT [--host ADDRESS] [--path /0] [--body BYTES] [--connections 64]\n"
      "                  [--seconds 5] [--warmup 1] [--rate REQUESTS_PER_SECOND] [--close] [--hold]\n"
      "                  [--tls] [--resume] [--watch PID,PID...]\n"
      "Prints one line of JSON: requests, failures, latencies in microseconds, CPU seconds of the watched processes.\n",
      stderr);
  std::exit(2);
}

std::vector<int> parse_pids(const char* text) {
  std::vector<int> pids;
  for (char* end = nullptr; *text != '\0'; text = *end == ',' ? end + 1 : end) {
    pids.push_back(static_cast<int>(std::strtol(text, &end, 10)));
    if (end == text) usage();
  }
  return pids;
}

}  // namespace

Options parse_options(int argc, char** argv) {
  static const option kOptions[] = {{"host", required_argument, nullptr, 'h'},
                                    {"port", required_argument, nullptr, 'p'},
                                    {"path", required_argument, nullptr, 'u'},
                                    {"body", required_argument, nullptr, 'b'},
                                    {"connections", required_argument, nullptr, 'c'},
                                    {"seconds", required_argument, nullptr, 's'},
                                    {"warmup", required_argument, nullptr, 'w'},
                                    {"rate", required_argument, nullptr, 'r'},
                                    {"close", no_argument, nullptr, 'x'},
                                    {"hold", no_argument, nullptr, 'o'},
                                    {"tls", no_argument, nullptr, 't'},
                                    {"resume", no_argument, nullptr, 'e'},
                                    {"watch", required_argument, nullptr, 'P'},
                                    {nullptr, 0, nullptr, 0}};
  Options options;
  for (int key = 0; (key = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (key) {
      case 'h':
        options.host = optarg;
        break;
      case 'p':
        options.port = static_cast<std::uint16_t>(std::atoi(optarg));
        break;
      case 'u':
        options.path = optarg;
        break;
      case 'b':
        options.body_bytes = std::strtoull(optarg, nullptr, 10);
        break;
      case 'c':
        options.connections = static_cast<unsigned>(std::atoi(optarg));
        break;
      case 's':
        options.seconds = std::atof(optarg);
        break;
      case 'w':
        options.warmup_s = std::atof(optarg);
        break;
      case 'r':
        options.rate = std::atof(optarg);
        break;
      case 'x':
        options.close = true;
        break;
      case 'o':
        options.hold = true;
        break;
      case 't':
        options.tls = true;
        break;
      case 'e':
        options.resume = true;
        break;
      case 'P':
        options.watch_pids = parse_pids(optarg);
        break;
      default:
        usage();
    }
  }
  if (options.port == 0 || options.connections == 0 || optind != argc) usage();
  return options;
}

}  // namespace weir::bench
