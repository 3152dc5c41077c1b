#include "metrics/request_cells.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::metrics {
namespace {

// A registry and a table before it that counts how often it had to be asked.
struct Cells {
  Registry registry{1};
  RequestCounters table;
  int misses = 0;

  Counter find(std::uint64_t version, const CellKey& key) {
    return table.find(version, key, [&](const CellKey& missing) {
      ++misses;
      return registry.counter("requests_total", "Requests.",
                              {{"route", std::to_string(missing.route)}, {"code", std::to_string(missing.code)}});
    });
  }
};

TEST(CellTable, AsksTheRegistryOnceForEachKey) {
  Cells cells;
  for (int i = 0; i < 3; ++i) cells.find(1, {.route = 1, .code = 200}).add(0);
  cells.find(1, {.route = 1, .code = 404}).add(0);
  EXPECT_EQ(cells.misses, 2);
  EXPECT_EQ(cells.find(1, {.route = 1, .code = 200}).total(1), 3u);
  EXPECT_EQ(cells.registry.total("requests_total"), 4u);
}

TEST(CellTable, TellsEveryPartOfTheKeyApart) {
  RequestCounters table;
  Registry registry(1);
  int misses = 0;
  auto fill = [&](const CellKey&) { return registry.counter("n_total", "N.", {{"n", std::to_string(++misses)}}); };
  for (CellKey key : {CellKey{}, CellKey{.listener = 1}, CellKey{.route = 1}, CellKey{.backend = 1}, CellKey{.code = 1},
                      CellKey{.backend = CellKey::kNoBackend}}) {
    table.find(1, key, fill);
    table.find(1, key, fill);
  }
  EXPECT_EQ(misses, 6);
}

TEST(CellTable, ForgetsEverythingWithANewVersion) {
  Cells cells;
  cells.find(1, {.code = 200});
  cells.find(2, {.code = 200});
  EXPECT_EQ(cells.misses, 2);
  EXPECT_EQ(cells.table.size(), 1u);
}

TEST(CellTable, ServesExchangesThatEndOnAnOlderVersionWithoutForgettingTheNewer) {
  Cells cells;
  cells.find(2, {.code = 200});
  cells.find(1, {.code = 200});
  cells.find(2, {.code = 200});
  cells.find(1, {.code = 200});
  EXPECT_EQ(cells.misses, 2);
}

TEST(CellTable, FindsEveryEntryWhileItGrowsAndStaysBounded) {
  Registry registry(1);
  RequestCounters table;
  Counter shared = registry.counter("n_total", "N.");
  std::uint32_t misses = 0;
  auto fill = [&](const CellKey&) { return ++misses, shared; };
  for (std::uint32_t slot = 0; slot < RequestCounters::kMaxEntries; ++slot) table.find(1, {.backend = slot}, fill);
  EXPECT_EQ(table.size(), RequestCounters::kMaxEntries);
  for (std::uint32_t slot = 0; slot < RequestCounters::kMaxEntries; ++slot) table.find(1, {.backend = slot}, fill);
  EXPECT_EQ(misses, RequestCounters::kMaxEntries);
  table.find(1, {.backend = UINT32_MAX - 1}, fill);
  EXPECT_EQ(table.size(), 1u);
}

}  // namespace
}  // namespace weir::metrics
