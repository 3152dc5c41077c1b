// Questions to agents, over sockets, and what the prober makes of the answers.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "health/agent_question.h"
#include "net/task_group.h"
#include "tests/unit/health/prober_fixture.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using test::ScriptedConnection;
using Line = std::expected<std::string, Failure>;

net::Task<void> ask_into(const config::Agent& agent, base::SocketAddress address, std::optional<Line>& line) {
  line = co_await ask_agent(agent, address, std::chrono::seconds(20));
}

class AgentQuestion : public testing::Test {
 protected:
  AgentQuestion() { reactor_.adopt_thread(); }
  std::string ask(test::ScriptedServer::Script script) {
    ScriptedServer server(std::move(script));
    return ask_at(server.address());
  }
  std::string ask_at(const base::SocketAddress& address) {
    std::optional<Line> line;
    group_.spawn(ask_into(agent_, address, line));
    while (!line) reactor_.run_once(base::TimePoint::max());
    return *line ? "said: " + **line : line->error().text;
  }
  static test::ScriptedServer::Script says(std::string text) {
    return [text](ScriptedConnection& connection) { connection.send_text(text); };
  }
  config::Agent agent_;
  net::Reactor reactor_;
  net::TaskGroup group_;
};

TEST_F(AgentQuestion, TakesTheFirstLine) {
  EXPECT_EQ(ask(says("50% up\r\nmore\r\n")), "said: 50% up");
  EXPECT_EQ(ask(says("\n")), "said: ");
  EXPECT_EQ(ask([](ScriptedConnection& connection) {
              connection.send_text("dra");
              connection.pause(20);
              connection.send_text("in\n");
              connection.hang();
            }),
            "said: drain");
}

TEST_F(AgentQuestion, ALineThatWasCutShortIsNoAnswer) {
  EXPECT_EQ(ask(says("maxconn:3")), "closed within the line");
  EXPECT_EQ(ask(says("")), "closed without a word");
  EXPECT_EQ(ask(says(std::string(5000, 'a'))), "the line is longer than 4 KB");
}

TEST_F(AgentQuestion, SendsWhatItIsToldTo) {
  agent_.send = R"(site\n)";
  EXPECT_EQ(ask([](ScriptedConnection& connection) { connection.send_text(connection.read_bytes(5)); }), "said: site");
}

TEST_F(AgentQuestion, AsksOverHttp) {
  agent_.transport = config::AgentTransport::http;
  agent_.path = "/agent";
  std::string heard;
  EXPECT_EQ(ask([&](ScriptedConnection& connection) {
              heard = connection.read_head();
              connection.send_text("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n75% ready");
              connection.hang();
            }),
            "said: 75% ready");
  EXPECT_TRUE(heard.starts_with("GET /agent HTTP/1.0\r\nHost: 127.0.0.1:")) << heard;
  auto answers = [this](std::string response) {
    return ask([response](ScriptedConnection& connection) {
      connection.read_head();
      connection.send_text(response);
    });
  };
  EXPECT_EQ(answers("HTTP/1.0 200 OK\r\n\r\ndrain"), "said: drain");
  EXPECT_EQ(answers("HTTP/1.0 200 OK\r\n\r\ndrain\nno more"), "said: drain");
  EXPECT_EQ(answers("HTTP/1.0 503 Busy\r\n\r\n"), "status 503, expected 200");
  EXPECT_EQ(answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "the body is empty");
  EXPECT_EQ(answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n75"), "closed within the response body");
  EXPECT_EQ(answers("drain\r\n"), "bad response: malformed HTTP version (RFC 9112 2.3)");
}

TEST_F(AgentQuestion, NobodyThereIsAFailure) {
  test::RefusingAddress nobody;
  EXPECT_EQ(ask_at(nobody.address()), "connect: refused");
}

class AgentsTest : public ProberTest {
 protected:
  AgentsTest() {
    start({.on_agent = [this](const AgentNews& news) {
      std::lock_guard lock(mutex_);
      news_.push_back(news);
      changed_.notify_all();
    }});
  }
  std::string await_news(std::size_t number) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return news_.size() >= number; }));
    return news_.size() < number ? "" : news_[number - 1].verdict.text();
  }
  static std::shared_ptr<config::Agent> agent(std::uint16_t port) {
    auto made = std::make_shared<config::Agent>();
    made->port = port;
    made->interval = 20ms;
    made->ttl = 20ms;
    return made;
  }
  WatchedBackend watched(const std::shared_ptr<pool::Backend>& backend, std::shared_ptr<config::Agent> agent) {
    return {.backend = backend, .check = off(), .addresses = at(address_), .path = {}, .agent = std::move(agent)};
  }
  base::SocketAddress address_ = *base::SocketAddress::parse("127.0.0.1:9");
  std::vector<AgentNews> news_;  // by mutex_
};

TEST_F(AgentsTest, TellsOfChangesOnly) {
  std::atomic<int> answers = 0;
  ScriptedServer server(
      [&](ScriptedConnection& connection) { connection.send_text(++answers < 4 ? "50%\n" : "drain 50%\n"); });
  auto asked = backend(address_);
  watch({watched(asked, agent(server.address().port))});
  EXPECT_EQ(await_news(1), "50%");
  EXPECT_EQ(await_news(2), "drain, 50%");
  EXPECT_GE(answers.load(), 4);
  std::optional<AgentDetails> details = prober_->agent(*asked);
  ASSERT_TRUE(details);
  EXPECT_EQ(details->words, "drain 50%");
  EXPECT_GT(details->at_unix_ms, 0);
}

TEST_F(AgentsTest, ForgetsAnAgentThatFallsSilent) {
  std::atomic<bool> speaks = true;
  ScriptedServer server([&](ScriptedConnection& connection) {
    if (speaks.exchange(false)) connection.send_text("down#disk\n");
  });
  auto asked = backend(address_);
  watch({watched(asked, agent(server.address().port))});
  EXPECT_EQ(await_news(1), "down: disk");
  EXPECT_EQ(await_news(2), "ready");
  EXPECT_EQ(prober_->agent(*asked)->error, "closed without a word");
}

TEST_F(AgentsTest, TakesItsWordsBackWhenItIsNoLongerAsked) {
  ScriptedServer server([](ScriptedConnection& connection) { connection.send_text("maint\n"); });
  auto asked = backend(address_);
  watch({watched(asked, agent(server.address().port))});
  EXPECT_EQ(await_news(1), "maint");
  watch({watched(asked, nullptr)});
  EXPECT_EQ(await_news(2), "ready");
  EXPECT_FALSE(prober_->agent(*asked));
}

TEST_F(AgentsTest, ABackendMayHaveAPortOfItsOwn) {
  ScriptedServer server([](ScriptedConnection& connection) { connection.send_text("7%\n"); });
  test::RefusingAddress nobody;
  auto asked = backend(address_);
  WatchedBackend one = watched(asked, agent(nobody.address().port));
  one.agent_port = server.address().port;
  watch({one});
  EXPECT_EQ(await_news(1), "7%");
}

}  // namespace
}  // namespace weir::health
