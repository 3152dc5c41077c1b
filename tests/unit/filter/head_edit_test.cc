#include "filter/head_edit.h"

#include "gtest/gtest.h"

namespace weir::filter {
namespace {

http::HeaderField field(std::string_view name) { return {.name = name, .value = "v", .id = http::header_id(name)}; }

TEST(HeadEdit, RemovesByNameInAnyCase) {
  base::Arena arena;
  HeadEdit edit(arena);
  edit.remove("authorization");
  edit.remove("x-user");
  edit.add("date", "today");
  EXPECT_TRUE(edit.removes(field("Authorization")));
  EXPECT_TRUE(edit.removes(field("X-User")));
  EXPECT_FALSE(edit.removes(field("x-users")));
  EXPECT_FALSE(edit.removes(field("date"))) << "is added beside those that are there";
  edit.set("date", "tomorrow");
  EXPECT_TRUE(edit.removes(field("Date")));
}

TEST(HeadEdit, KeepsTheOrderOfWhatIsAdded) {
  base::Arena arena;
  HeadEdit edit(arena);
  edit.add("a", "1");
  edit.set("b", "2");
  edit.add("a", "3");
  std::string all;
  for (const http::HeaderField& added : edit.added()) all += std::string(added.name) + "=" + std::string(added.value);
  EXPECT_EQ(all, "a=1b=2a=3");
  edit.clear();
  EXPECT_TRUE(edit.added().empty());
  EXPECT_FALSE(edit.removes(field("b")));
}

}  // namespace
}  // namespace weir::filter
