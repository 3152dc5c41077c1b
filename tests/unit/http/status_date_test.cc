#include "gtest/gtest.h"

#include "http/date.h"
#include "http/status.h"

namespace weir::http {
namespace {

TEST(ReasonPhrase, IsTheRegisteredOne) {
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
}

TEST(ReasonPhrase, IsEmptyForOtherCodes) {
  for (std::uint16_t status : {0, 99, 299, 418, 599, 999}) EXPECT_EQ(reason_phrase(status), "") << status;
}

TEST(Content, IsAllowedExceptWhereNoResponseHasAny) {
  for (std::uint16_t status : {100, 101, 103, 199, 204, 304}) EXPECT_FALSE(content_allowed(status, "GET")) << status;
  for (std::uint16_t status : {200, 201, 205, 206, 300, 400, 503}) {
    EXPECT_TRUE(content_allowed(status, "GET")) << status;
    EXPECT_FALSE(content_allowed(status, "HEAD")) << status;
  }
  EXPECT_FALSE(content_allowed(200, "CONNECT"));
  EXPECT_TRUE(content_allowed(302, "CONNECT"));
}

TEST(Date, IsWrittenInItsFixedForm) {
  const std::pair<std::int64_t, const char*> cases[] = {
      {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
      {-5, "Thu, 01 Jan 1970 00:00:00 GMT"},           {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
      {1735689599, "Tue, 31 Dec 2024 23:59:59 GMT"},   {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
      {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"}, {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
  };
  for (const auto& [seconds, text] : cases) {
    std::array<char, kDateBytes> out;
    format_date(seconds, out);
    EXPECT_EQ(std::string_view(out.data(), out.size()), text);
  }
}

TEST(DateCache, FollowsTheTimeItIsGiven) {
  DateCache cache;
  EXPECT_EQ(cache.at(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
}

}  // namespace
}  // namespace weir::http
