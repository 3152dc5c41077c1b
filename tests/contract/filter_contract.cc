// Every filter of filters.def must pass these tests.
#include <array>
#include <crypt.h>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "app/weir.h"
#include "base/text.h"
#include "config/read.h"
#include "filter/chain.h"
#include "filter/password_checks.h"
#include "http/h1_codec.h"
#include "net/task_group.h"
#include "net/wait.h"

namespace weir::filter {
namespace {

constexpr std::uint32_t kWorkers = 4;

// A file that the entry takes, for those whose options name one.
std::string file_for(std::string_view name) {
  if (name != "auth") return {};
  return fmt::format("anna:{}\n", crypt("secret", "$2b$04$abcdefghijklmnopqrstuu"));
}

const std::vector<std::string>& requests() {
  static const std::vector<std::string> kAll{
      "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\r\norigin: https://app.example.com\r\nauthorization: Basic YW5uYTpzZWNyZXQ=\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\r\norigin: null\r\nauthorization: Basic YW5uYTp3cm9uZw==\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\r\norigin: \r\nauthorization: Basic =\r\n\r\n",
      "OPTIONS / HTTP/1.1\r\nhost: a\r\norigin: https://app.example.com\r\naccess-control-request-method: PUT\r\n\r\n",
      "OPTIONS / HTTP/1.1\r\nhost: a\r\norigin: https://b.example\r\naccess-control-request-method: PUT\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: text/x\r\ntransfer-encoding: chunked\r\n\r\n",
  };
  return kAll;
}

// A request with the memory that it lies in.
struct Sent {
  explicit Sent(const std::string& bytes, std::string_view address = "10.1.2.3", std::uint32_t worker = 0)
      : text(bytes), client(base::IpAddress::parse(address).value()), edit(arena), response_edit(arena) {
    EXPECT_EQ(http::parse_request_head(text, {}, head).state, http::Parsed::State::complete) << text;
    request.worker = worker;
  }
  std::string text;
  base::IpAddress client;
  http::RequestHead head;
  base::Arena arena;
  HeadEdit edit;
  HeadEdit response_edit;
  Request request{.head = head, .client = client, .worker = 0, .now = base::now(), .arena = arena, .edit = edit};
};

class FilterContract : public testing::TestWithParam<std::string> {
 protected:
  FilterContract() { reactor_.adopt_thread(); }

  static const config::KindEntry& entry() { return *config::find_entry(filters(), GetParam()); }

  // A listener with the entry's sample.
  static config::Listener listener() {
    std::string yaml = fmt::format(
        "listeners: [{{name: web, address: '*:1', protocol: https, tls: {{certificates: [{{cert: c, key: k}}]}}, "
        "pool: p, filters: {{{}: {}}}}}]\npools: [{{name: p}}]\n",
        GetParam(), entry().sample);
    auto read = config::read_yaml(yaml, "t.yaml", app::kinds());
    EXPECT_TRUE(read.has_value()) << yaml << (read ? "" : config::format(read.error().front()));
    return read ? read->listeners.front() : config::Listener();
  }
  static std::shared_ptr<const std::string> text(const std::string&) {
    return std::make_shared<const std::string>(file_for(GetParam()));
  }
  std::unique_ptr<Chains> make(const Chains* previous = nullptr) {
    return std::make_unique<Chains>(listener(), Setting{.workers = kWorkers, .passwords = &passwords_}, text, previous);
  }
  static const Filter& only(const Chains& chains) { return (*chains.of_route(UINT32_MAX))[0]; }

  static net::Task<void> keep(net::Task<Verdict> task, Verdict& verdict) { verdict = co_await task; }
  static net::Task<void> keep_piece(net::Task<base::Result<http::BodyPiece>> task, base::Result<http::BodyPiece>& out) {
    out = co_await task;
  }
  template <typename Spawn>
  void run(Spawn spawn) {
    net::TaskGroup group;
    spawn(group);
    while (group.size() > 0) reactor_.run_once(reactor_.now() + std::chrono::seconds(20));
  }

  // The end of the request, after all waiting.
  Verdict verdict(const Filter& filter, Sent& sent, Memory& memory) {
    Verdict verdict = filter.on_request(sent.request, memory);
    if (verdict.kind != Verdict::Kind::wait) return verdict;
    run([&](net::TaskGroup& group) { group.spawn(keep(filter.resume(sent.request, memory), verdict)); });
    EXPECT_NE(verdict.kind, Verdict::Kind::wait) << "it has waited";
    return verdict;
  }

  net::Reactor reactor_;
  PasswordChecks passwords_;
};

TEST_P(FilterContract, ItsSampleIsWholeAndItsOptionsAreExplained) {
  config::Listener made = listener();
  ASSERT_EQ(made.filters.settings.size(), 1u);
  EXPECT_EQ(made.filters.settings[0].name, GetParam());
  EXPECT_FALSE(entry().summary.empty());
  for (const config::OptionSpec& option : entry().options) {
    EXPECT_FALSE(option.summary.empty()) << option.key;
    EXPECT_TRUE(option.is_optional || made.filters.settings[0].choices[0].options.contains(std::string(option.key)));
    if (!option.is_path) continue;
    ASSERT_NE(entry().file_fault, nullptr) << option.key << ": it must be WEIR_FILTER_WITH_FILES";
    EXPECT_EQ(entry().file_fault(option.key, file_for(GetParam())), "");
    EXPECT_NE(entry().file_fault(option.key, "\x01 nonsense"), "") << "any text is taken";
  }
}

TEST_P(FilterContract, AnAnswerIsWhole) {
  auto chains = make();
  for (const std::string& text : requests()) {
    for (const char* address : {"10.1.2.3", "192.0.2.7", "2001:db8::1"}) {
      Sent sent(text, address);
      Memory memory = nullptr;
      Verdict verdict = this->verdict(only(*chains), sent, memory);
      if (verdict.kind == Verdict::Kind::answer) {
        const Answer& answer = verdict.answer;
        EXPECT_GE(answer.status, 200) << text;
        EXPECT_LT(answer.status, 600) << text;
        EXPECT_EQ(answer.status >= 400, answer.termination != worker::Termination::ok) << text;
        if (answer.status >= 400) EXPECT_FALSE(answer.detail.empty() || answer.message.empty()) << text;
      }
      only(*chains).on_end({.status = 200, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}}, memory);
    }
  }
}

TEST_P(FilterContract, FieldsThatItAddsAreFieldsOfHttp2AsWell) {
  auto chains = make();
  for (const std::string& text : requests()) {
    Sent sent(text);
    Memory memory = nullptr;
    Verdict verdict = this->verdict(only(*chains), sent, memory);
    http::HeaderMap none;
    only(*chains).on_response({.request = sent.request, .status = 200, .headers = &none, .edit = sent.response_edit},
                              memory);
    only(*chains).on_end({.status = 200, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}}, memory);
    for (const AddedFields* fields :
         {&sent.edit.added(), &sent.response_edit.added(), static_cast<const AddedFields*>(&verdict.answer.fields)}) {
      for (const http::HeaderField& field : *fields) {
        EXPECT_EQ(base::to_lower(field.name), field.name);
        EXPECT_EQ(field.value.find_first_of("\r\n"), std::string_view::npos) << field.name;
      }
    }
  }
}

TEST_P(FilterContract, AResponseToARequestThatItHasNotSeenIsMarkedAsWell) {
  auto chains = make();
  Sent sent(requests()[0]);
  Memory memory = nullptr;
  only(*chains).on_response({.request = sent.request, .status = 400, .headers = nullptr, .edit = sent.response_edit},
                            memory);
  EXPECT_EQ(memory, nullptr) << "nobody calls on_end() for it";
}

TEST_P(FilterContract, StagesKeepTheEndAndWhatLengthTheySay) {
  auto chains = make();
  for (Direction direction : {Direction::request, Direction::response}) {
    using Kind = http::BodyFraming::Kind;
    for (http::BodyFraming framing : {http::BodyFraming{.kind = Kind::chunked}, {.kind = Kind::length, .length = 8}}) {
      Sent sent("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
      Memory memory = nullptr;
      static_cast<void>(this->verdict(only(*chains), sent, memory));
      std::unique_ptr<BodyStage> stage = only(*chains).stage(direction, framing, memory);
      std::size_t bytes = 0;
      for (int i = 1; stage != nullptr && i <= 2; ++i) {
        base::Result<http::BodyPiece> piece;
        run([&](net::TaskGroup& group) {
          group.spawn(keep_piece(stage->pass({.data = "data", .last = i == 2}), piece));
        });
        ASSERT_TRUE(piece.has_value());
        EXPECT_EQ(piece->last, i == 2);
        bytes += piece->data.size();
      }
      if (stage != nullptr && stage->keeps_length()) EXPECT_EQ(bytes, 8u);
      only(*chains).on_end({.status = 200, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}}, memory);
    }
  }
}

TEST_P(FilterContract, WorkersUseItAtTheSameTime) {
  auto chains = make();
  std::vector<std::jthread> threads;
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    threads.emplace_back([&chains, worker] {
      for (int i = 0; i < 200; ++i) {
        Sent sent(requests()[static_cast<std::size_t>(i) % requests().size()], "10.1.2.3", worker);
        Memory memory = nullptr;
        static_cast<void>(only(*chains).on_request(sent.request, memory));
        only(*chains).on_response(
            {.request = sent.request, .status = 200, .headers = nullptr, .edit = sent.response_edit}, memory);
        only(*chains).on_end({.status = 200, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}}, memory);
      }
    });
  }
}

TEST_P(FilterContract, ItsSuccessorTakesOver) {
  auto before = make();
  auto after = make(before.get());
  EXPECT_NE(&only(*before), nullptr);
  before.reset();
  Sent sent(requests()[1]);
  Memory memory = nullptr;
  static_cast<void>(verdict(only(*after), sent, memory));
  only(*after).on_end({.status = 200, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}}, memory);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const config::KindEntry& entry : filters()) all.emplace_back(entry.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, FilterContract, testing::ValuesIn(names()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weir::filter
