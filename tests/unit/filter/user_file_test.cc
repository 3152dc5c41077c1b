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
  auto file = UserFile::parse("# people\n\nanna:" + kBcrypt + "\r\n  bob:$6$salt$hash:since 2020\n");
  ASSERT_TRUE(file.has_value()) << file.error();
  EXPECT_EQ(file->size(), 2u);
  EXPECT_EQ(*file->hash_of("anna"), kBcrypt);
  EXPECT_EQ(*file->hash_of("bob"), "$6$salt$hash") << "further fields are notes, as in htpasswd";
  EXPECT_EQ(file->hash_of("Anna"), nullptr);
  EXPECT_EQ(file->hash_of(""), nullptr);
  EXPECT_EQ(file->any_hash(), kBcrypt);
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
