// The way of one request through filters that are made here.
#include "exchange/filtering.h"

#include "gtest/gtest.h"

#include "net/task_group.h"

namespace weir::exchange {
namespace {

using filter::Direction;
using filter::Memory;
using filter::Verdict;
using Kind = http::BodyFraming::Kind;

// The calls that the filters of a test have seen, in order: "a:request b:request a:response".
using Trace = std::string;

struct Behaviour {
  char name = 'a';
  Verdict::Kind verdict = Verdict::Kind::pass;
  Verdict::Kind after_wait = Verdict::Kind::pass;
  bool doubles = false;  // every byte of a body
};

class Doubling final : public filter::BodyStage {
 public:
  net::Task<base::Result<http::BodyPiece>> pass(http::BodyPiece piece) override {
    text_.clear();
    for (char c : piece.data) text_.append(2, c);
    co_return http::BodyPiece{.data = text_, .last = piece.last};
  }
  bool keeps_length() const override { return false; }

 private:
  std::string text_;
};

class Probe final : public filter::Filter {
 public:
  Probe(Behaviour behaviour, Trace& trace) : behaviour_(behaviour), trace_(trace) {}

  Verdict on_request(filter::Request&, Memory& memory) const override {
    note("request");
    memory = const_cast<Probe*>(this);
    return of(behaviour_.verdict);
  }
  net::Task<Verdict> resume(filter::Request&, Memory& memory) const override {
    note(memory == this ? "resume" : "lost");
    co_return of(behaviour_.after_wait);
  }
  void on_response(const filter::Response& response, Memory& memory) const override {
    note(memory == this ? "response" : "unseen");
    response.edit.add("x-by", "probe");
  }
  std::unique_ptr<filter::BodyStage> stage(Direction, const http::BodyFraming& framing, Memory&) const override {
    if (!behaviour_.doubles) return nullptr;
    note(framing.kind == Kind::length ? "length" : "chunked");
    return std::make_unique<Doubling>();
  }
  void on_end(const filter::End& end, Memory&) const noexcept override { note(end.status == 204 ? "end" : "wrong"); }

 private:
  void note(std::string_view what) const { trace_ += std::string(1, behaviour_.name) + ":" + std::string(what) + " "; }
  static Verdict of(Verdict::Kind kind) {
    if (kind == Verdict::Kind::answer) return Verdict::answered({.status = 418});
    return kind == Verdict::Kind::wait ? Verdict::wait() : Verdict::pass();
  }
  Behaviour behaviour_;
  Trace& trace_;
};

class FilteringTest : public testing::Test {
 protected:
  FilteringTest() { reactor_.adopt_thread(); }

  void use(std::vector<Behaviour> behaviours) {
    std::vector<filter::Chain::Part> parts;
    for (const Behaviour& each : behaviours) {
      parts.push_back({.choice = {}, .texts = {}, .filter = std::make_shared<Probe>(each, trace_)});
    }
    chain_.emplace(std::move(parts));
    filters_.emplace(*chain_, facts_, request_, 0, arena_);
  }
  template <typename T>
  static net::Task<void> keep(net::Task<T> task, std::optional<T>& result) {
    result.emplace(co_await task);
  }
  template <typename T>
  T run(net::Task<T> task) {
    std::optional<T> result;
    net::TaskGroup group;
    group.spawn(keep(std::move(task), result));
    while (group.size() > 0) reactor_.run_once(reactor_.now());
    return *result;
  }
  std::string through(Direction direction, std::string_view data) {
    auto piece = run(filters_->pass(direction, {.data = data, .last = true}));
    return piece && piece->last ? std::string(piece->data) : "failed";
  }

  net::Reactor reactor_;
  Trace trace_;
  Facts facts_;
  http::RequestHead request_;
  base::Arena arena_;
  std::optional<filter::Chain> chain_;
  std::optional<Filtering> filters_;
};

TEST_F(FilteringTest, ARequestGoesThroughAllAndEachHearsOfItsEnd) {
  use({{.name = 'a'}, {.name = 'b'}});
  EXPECT_FALSE(filters_->on_request());
  EXPECT_FALSE(filters_->is_waiting());
  filters_->on_response(204, nullptr);
  filters_->end({.status = 204, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}});
  filters_->end({.status = 204, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}});
  EXPECT_EQ(trace_, "a:request b:request a:response b:response a:end b:end ");
}

TEST_F(FilteringTest, AnAnswerEndsTheWayAndIsMarkedByAll) {
  use({{.name = 'a'}, {.name = 'b', .verdict = Verdict::Kind::answer}, {.name = 'c'}});
  auto answer = filters_->on_request();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 418);
  filters_->on_response(418, nullptr);
  filters_->end({.status = 204, .termination = {}, .bytes_in = 0, .bytes_out = 0, .duration = {}});
  EXPECT_EQ(trace_, "a:request b:request a:response b:response c:unseen a:end b:end ");
}

TEST_F(FilteringTest, WhoWaitsDecidesAndTheOthersFollow) {
  use({{.name = 'a', .verdict = Verdict::Kind::wait},
       {.name = 'b'},
       {.name = 'c', .verdict = Verdict::Kind::wait, .after_wait = Verdict::Kind::answer},
       {.name = 'd'}});
  EXPECT_FALSE(filters_->on_request());
  ASSERT_TRUE(filters_->is_waiting());
  auto answer = run(filters_->resume());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(trace_, "a:request a:resume b:request c:request c:resume ");
}

TEST_F(FilteringTest, ASecondResponseIsMarkedOnce) {
  use({{.name = 'a'}});
  filters_->on_response(502, nullptr);
  filters_->on_response(502, nullptr);
  int marks = 0;
  for (const http::HeaderField& field : filters_->response_edit().added()) marks += field.name == "x-by" ? 1 : 0;
  EXPECT_EQ(marks, 1);
}

TEST_F(FilteringTest, StagesFollowEachOtherAndMayChangeTheLength) {
  use({{.name = 'a', .doubles = true}, {.name = 'b'}, {.name = 'c', .doubles = true}});
  http::BodyFraming behind = filters_->begin_body(Direction::response, {.kind = Kind::length, .length = 2});
  EXPECT_EQ(behind.kind, Kind::chunked);
  EXPECT_TRUE(filters_->has_stages(Direction::response));
  EXPECT_FALSE(filters_->has_stages(Direction::request));
  EXPECT_EQ(through(Direction::response, "xy"), "xxxxyyyy");
  EXPECT_EQ(trace_, "a:length c:chunked ");
}

TEST_F(FilteringTest, NoBodyHasNoStage) {
  use({{.name = 'a', .doubles = true}});
  EXPECT_EQ(filters_->begin_body(Direction::request, {}).kind, Kind::none);
  EXPECT_FALSE(filters_->has_stages(Direction::request));
}

}  // namespace
}  // namespace weir::exchange
