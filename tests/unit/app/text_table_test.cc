#include "app/text_table.h"

#include <gtest/gtest.h>

namespace weir::app {
namespace {

TEST(TextTable, PutsNumbersAtTheRightAndTextAtTheLeft) {
  TextTable table({"ID", "ACTIVE", "STATUS"});
  table.add({"a", "5", "healthy"});
  table.add({"long", "100", "x"});
  EXPECT_EQ(table.text(), "ID    ACTIVE  STATUS\na          5  healthy\nlong     100  x\n");
}

TEST(TextTable, WithoutRowsIsItsHeading) {
  TextTable table({"ID", "STATUS"});
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.text(), "ID  STATUS\n");
}

TEST(TextTable, CountsACharacterOfSeveralBytesAsOneColumn) {
  TextTable table({"ID", "S"});
  table.add({"\xc3\xa4\xc3\xb6", "x"});
  EXPECT_EQ(table.text(), "ID  S\n\xc3\xa4\xc3\xb6  x\n");
}

TEST(TextTable, ShowsControlBytesAsQuestionMarks) {
  TextTable table({"ID"});
  table.add({"\x1b[31m\n\x7f"});
  EXPECT_EQ(table.text(), "ID\n?[31m??\n");
}

}  // namespace
}  // namespace weir::app
