#include "filter/user_file.h"

#include <crypt.h>
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::filter {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kBcrypt = crypt("secret", "$2y$04$abcdefghijklmnopqrstuu");

std::string fault_of(std::string_view text) {
  auto parsed = UserFile::parse(text);
  return parsed ? "" : parsed.error();
}

TEST(UserFile, HasALineForEachUser) {
  const std::string other = crypt("secret", "$6$salt$");
  auto file = UserFile::parse("# people\n\nanna:" + kBcrypt + "\r\n  bob:" + other + ":since 2020\n");
  ASSERT_TRUE(file.has_value()) << file.error();
  EXPECT_EQ(file->size(), 2u);
  EXPECT_EQ(*file->hash_of("anna"), kBcrypt);
  EXPECT_EQ(*file->hash_of("bob"), other) << "further fields are notes, as in htpasswd";
  EXPECT_EQ(file->hash_of("Anna"), nullptr);
  EXPECT_EQ(file->hash_of(""), nullptr);
}

TEST(UserFile, ANameThatIsNoneHasTheHashOfSomeUser) {
  const std::string slow = crypt("secret", "$2y$05$abcdefghijklmnopqrstuu");
  auto file = UserFile::parse("anna:" + kBcrypt + "\nbob:" + slow + "\n");
  int slow_ones = 0;
  for (int i = 0; i < 100; ++i) {
    std::string name = "nobody" + std::to_string(i);
    EXPECT_EQ(file->any_hash(name), file->any_hash(name));
    slow_ones += file->any_hash(name) == slow ? 1 : 0;
  }
  EXPECT_GT(slow_ones, 20) << "as users have";
  EXPECT_LT(slow_ones, 80);
}

TEST(UserFile, TakesEveryKindOfHashThatCryptMakes) {
  for (const char* prefix : {"$2b$", "$2y$", "$2a$", "$y$", "$gy$", "$7$", "$6$", "$5$"}) {
    crypt_data data{};
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    ASSERT_NE(crypt_gensalt_rn(prefix, 0, nullptr, 0, setting, sizeof setting), nullptr) << prefix;
    // The cheapest cost would do as well: what counts is the form.
    EXPECT_EQ(fault_of(fmt::format("a:{}", crypt_r("secret", setting, &data))), "") << prefix;
  }
}

TEST(UserFile, RefusesHashesThatNobodyCanWaitFor) {
  const std::string code(43, 'x'), long_code(86, 'x'), bcrypt_code(53, 'x');
  for (const std::string& slow :
       {"$2b$16$" + bcrypt_code, "$2b$31$" + bcrypt_code, "$2b$99$" + bcrypt_code, "$2b$03$" + bcrypt_code,
        "$6$rounds=999999999$salt$" + long_code, "$5$rounds=5000001$salt$" + code, "$y$jFT$salt$" + code,
        "$7$Z6..../....salt$" + code}) {
    EXPECT_THAT(fault_of("a:" + slow), HasSubstr("costs too much or too little")) << slow;
  }
  for (const std::string& bearable : {"$2b$12$" + bcrypt_code, "$6$rounds=656000$salt$" + long_code}) {
    EXPECT_EQ(fault_of("a:" + bearable), "") << bearable;
  }
}

TEST(UserFile, MayBeginWithAMark) {
  auto file = UserFile::parse(
      "\xEF\xBB\xBF"
      "anna:" +
      kBcrypt);
  ASSERT_TRUE(file.has_value());
  EXPECT_NE(file->hash_of("anna"), nullptr);
}

TEST(UserFile, NamesTheLineAndNeverAHash) {
  std::string good = "anna:" + kBcrypt + "\n";
  EXPECT_THAT(fault_of(good + "bob"), HasSubstr("line 2: must be a name, a colon and a hash"));
  EXPECT_THAT(fault_of(good + ":x"), HasSubstr("line 2"));
  EXPECT_THAT(fault_of(good + "bob:" + kBcrypt.substr(0, 40)), HasSubstr("line 2: the user 'bob' has a hash that is"));
  EXPECT_THAT(fault_of(good + good), HasSubstr("line 2: the user 'anna' is there twice"));
  for (const char* weak : {"plaintext", "{SHA}5baa61e4", "$apr1$salt$hash", "$1$salt$hash", "", "*"}) {
    std::string fault = fault_of(fmt::format("bob:{}", weak));
    EXPECT_THAT(fault, HasSubstr("`htpasswd -B` makes one")) << weak;
    if (std::string_view(weak).size() > 1) EXPECT_THAT(fault, Not(HasSubstr(weak)));
  }
  EXPECT_THAT(fault_of("# nobody\n"), HasSubstr("names no user"));
  EXPECT_THAT(fault_of(""), HasSubstr("names no user"));
}

}  // namespace
}  // namespace weir::filter
