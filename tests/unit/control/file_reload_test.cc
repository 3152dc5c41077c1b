#include "control/file_reload.h"

#include <filesystem>
#include <fstream>
#include <random>

#include "metrics/families.h"
#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::ControlPlane;
using api::FragileStore;
using api::kFile;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileReloadTest : public testing::Test {
 protected:
  FileReloadTest() : path_(std::filesystem::temp_directory_path() / fmt::format("weir-reload-{:08x}.yaml", seed_())) {
    write(kFile);
  }
  ~FileReloadTest() override { std::filesystem::remove(path_); }

  void write(const std::string& text) const { std::ofstream(path_) << text; }
  FileReload make() {
    FileReload::Parts parts{.catalog = plane_.catalog,
                            .access_logs = logs_,
                            .events = plane_.events,
                            .registry = plane_.registry,
                            .metrics_slot = 0,
                            .settle = [this] { return plane_.settle(); }};
    return {parts, path_.string(), ControlPlane::read(kFile)};
  }
  std::string last_event() const {
    std::vector<Event> events = plane_.events.after(plane_.events.last_number() - 1);
    return events.empty() ? std::string() : events.back().type + " " + events.back().data;
  }

  std::random_device seed_;
  std::filesystem::path path_;
  FragileStore store_;
  ControlPlane plane_{kFile, &store_};
  worker::Services services_;
  std::vector<front::WorkerThread*> workers_;
  AccessLogs logs_{services_, workers_, 1, "weir.yaml"};
};

TEST_F(FileReloadTest, AppliesAFileThatChanged) {
  FileReload file = make();
  write(kFile + "  - {name: added}\n");
  EXPECT_THAT(plane_.run(file.reload()).faults, IsEmpty());
  EXPECT_NE(plane_.pool("added"), nullptr);
  EXPECT_THAT(last_event(), HasSubstr(R"("result":"success")"));
}

TEST_F(FileReloadTest, SucceedsWhenTheWorkersUseTheFile) {
  FileReload file = make();
  metrics::Counter succeeded = plane_.registry.counter(metrics::families::kConfigReloads, {"success"});
  net::Waiter confirmed;
  plane_.workers_confirm = &confirmed;
  write(kFile + "  - {name: added}\n");
  std::optional<Reloaded> reloaded;
  plane_.run(api::keep_result(file.reload(), reloaded));
  EXPECT_NE(plane_.pool("added"), nullptr);
  EXPECT_FALSE(reloaded);
  EXPECT_EQ(succeeded.total(plane_.registry.slots()), 0u);
  confirmed.wake();
  plane_.turn();
  EXPECT_TRUE(reloaded);
  EXPECT_EQ(succeeded.total(plane_.registry.slots()), 1u);
}

TEST_F(FileReloadTest, SaysWhichWorkersAreLate) {
  FileReload file = make();
  plane_.late = {1};
  EXPECT_THAT(plane_.run(file.reload()).late, ElementsAre(1u));
  EXPECT_THAT(last_event(), HasSubstr(R"("result":"success","late_workers":[1])"));
}

TEST_F(FileReloadTest, KeepsEverythingWhenTheFileIsWrong) {
  FileReload file = make();
  write(kFile + "  - {name: added, colour: red}\n");
  Reloaded reloaded = plane_.run(file.reload());
  ASSERT_EQ(reloaded.faults.size(), 1u);
  EXPECT_THAT(reloaded.faults[0].path, HasSubstr("colour"));
  EXPECT_EQ(plane_.pool("added"), nullptr);
  EXPECT_THAT(last_event(), HasSubstr(R"("result":"failure")"));
}

TEST_F(FileReloadTest, NamesTheKeysThatNeedARestart) {
  FileReload file = make();
  write("workers: 3\nadmin: {listen: \"127.0.0.1:9999\"}\n" + kFile);
  EXPECT_THAT(plane_.run(file.reload()).needs_restart, ElementsAre("admin.listen", "workers"));
}

TEST_F(FileReloadTest, WaitsForAChangeThatWaitsForTheStore) {
  FileReload file = make();
  store_.is_slow = true;
  ControlPlane::Pending change = plane_.begin("POST", "/pools", R"({"name": "p"})");
  write(kFile + "  - {name: p}\n");
  std::optional<Reloaded> reloaded;
  plane_.run(api::keep_result(file.reload(), reloaded));
  EXPECT_FALSE(reloaded);
  store_.release();
  plane_.turn();
  ASSERT_TRUE(*change && reloaded);
  EXPECT_EQ((*change)->status, 201);
  EXPECT_THAT(reloaded->faults, IsEmpty());
  EXPECT_EQ(plane_.catalog.set_aside().size(), 1u) << "the file has taken the name of the pool";
}

}  // namespace
}  // namespace weir::control
