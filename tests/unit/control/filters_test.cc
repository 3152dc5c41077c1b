// The files of filters: read before a configuration is accepted, and again when they change.
#include "control/filters.h"

#include <crypt.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <random>

#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class FiltersTest : public testing::Test {
 protected:
  FiltersTest() {
    std::filesystem::create_directories(folder_);
    write(line("anna"));
  }
  ~FiltersTest() override { std::filesystem::remove_all(folder_); }

  static std::string line(const std::string& name) {
    return fmt::format("{}:{}\n", name, crypt("secret", "$2b$04$abcdefghijklmnopqrstuu"));
  }
  void write(const std::string& text) const { std::ofstream(path_) << text; }
  Effective wanted(const std::string& more = "") const {
    std::string yaml = fmt::format(
        "listeners: [{{name: web, address: '*:1', pool: site, filters: {{auth: {{users: {{file: {}}}}}}}{}}}]\n"
        "pools: [{{name: site}}]\n",
        path_.string(), more);
    return {.config = std::make_shared<config::Config>(api::ControlPlane::read(yaml)),
            .borrowed = {},
            .overrides = {},
            .certificates = {}};
  }
  std::string faults(Reading reading) {
    config::Faults found = filters_.prepare(wanted(), reading);
    return found.empty() ? "" : found.front().path + ": " + found.front().message;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("weir-filters-{:08x}", std::random_device()());
  std::filesystem::path path_ = folder_ / "users";
  filter::PasswordChecks passwords_;
  Filters filters_{1, &passwords_};
};

TEST_F(FiltersTest, AreMadeWithTheirFilesAndStayAsLongAsNothingChanges) {
  ASSERT_THAT(filters_.prepare(wanted(), Reading::again), IsEmpty());
  EXPECT_EQ(filters_.of_listener("web"), nullptr) << "not accepted yet";
  filters_.accept();
  auto first = filters_.of_listener("web");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->of_route(UINT32_MAX)->size(), 1u);
  ASSERT_THAT(filters_.prepare(wanted(), Reading::again), IsEmpty());
  filters_.accept();
  EXPECT_EQ(filters_.of_listener("web"), first);
}

TEST_F(FiltersTest, AListenerWithoutHasNone) {
  Effective plain = wanted();
  auto config = std::make_shared<config::Config>(*plain.config);
  config->listeners[0].filters = {};
  plain.config = config;
  ASSERT_THAT(filters_.prepare(plain, Reading::again), IsEmpty());
  filters_.accept();
  EXPECT_EQ(filters_.of_listener("web"), nullptr);
}

TEST_F(FiltersTest, AChangedFileMakesOtherFilters) {
  ASSERT_THAT(filters_.prepare(wanted(), Reading::again), IsEmpty());
  filters_.accept();
  auto first = filters_.of_listener("web");
  write(line("anna") + line("bert"));
  ASSERT_THAT(filters_.prepare(wanted(), Reading::known), IsEmpty());
  filters_.accept();
  EXPECT_EQ(filters_.of_listener("web"), first) << "other changes do not depend on the disk";
  ASSERT_THAT(filters_.prepare(wanted(), Reading::again), IsEmpty());
  filters_.accept();
  EXPECT_NE(filters_.of_listener("web"), first);
}

TEST_F(FiltersTest, AFileThatIsOfNoUseIsAFaultWithItsReason) {
  write("anna:plain\n");
  EXPECT_THAT(faults(Reading::again),
              testing::AllOf(HasSubstr("listeners.web.filters.auth.users.file: "),
                             HasSubstr("users: line 1: the user 'anna' has a password in clear, or a hash of a kind")));
  std::filesystem::remove(path_);
  EXPECT_THAT(faults(Reading::again), HasSubstr("No such file"));
}

TEST_F(FiltersTest, AFileThatIsGoneIsAFaultEachTime) {
  ASSERT_THAT(filters_.prepare(wanted(), Reading::again), IsEmpty());
  filters_.accept();
  std::filesystem::remove(path_);
  EXPECT_EQ(faults(Reading::tolerant), "");
  EXPECT_THAT(faults(Reading::again), HasSubstr("No such file"));
  EXPECT_THAT(faults(Reading::again), HasSubstr("No such file"));
  write(line("anna"));
  EXPECT_EQ(faults(Reading::again), "");
}

TEST_F(FiltersTest, WhatIsInUseStaysWhereTheFileGoesBad) {
  ASSERT_THAT(filters_.prepare(wanted(), Reading::again), IsEmpty());
  filters_.accept();
  auto first = filters_.of_listener("web");
  write("anna:plain\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(faults(Reading::tolerant), "");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::AllOf(HasSubstr("line 1"), HasSubstr("what is in use stays")));
  filters_.accept();
  EXPECT_EQ(filters_.of_listener("web"), first);
}

TEST_F(FiltersTest, ARefusedConfigurationLeavesTheFiltersAlone) {
  ASSERT_THAT(filters_.prepare(wanted(), Reading::again), IsEmpty());
  filters_.accept();
  auto first = filters_.of_listener("web");
  ASSERT_THAT(filters_.prepare(wanted(", limits: {body_bytes: 5}"), Reading::again), IsEmpty());
  filters_.abandon();
  filters_.accept();
  EXPECT_EQ(filters_.of_listener("web"), first);
}

}  // namespace
}  // namespace weir::control
