#include "base/hash.h"

#include <array>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

// Bytes 0, 1, 2, ... as the reference vectors of SipHash use them.
std::string counting_bytes(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i);
  return bytes;
}

constexpr HashKey kReferenceKey{.first = 0x0706050403020100u, .second = 0x0f0e0d0c0b0a0908u};
// The bytes that xxHash's own sanity check hashes.
std::string xxhash_sample(std::size_t count) {
  std::string bytes;
  std::uint64_t generator = 2654435761u;
  for (std::size_t i = 0; i < count; ++i) {
    bytes += static_cast<char>(generator >> 56);
    generator *= 11400714785074694797u;
  }
  return bytes;
}

// Computed by an implementation in another language that gives the value of the paper for SipHash-2-4
// (a129ca6149be45e5 for 15 bytes).
TEST(KeyedHash, IsSipHash13) {
  struct Vector {
    std::size_t bytes;
    std::uint64_t hash;
  };
  for (Vector vector : {Vector{0, 0xabac0158050fc4dcu}, Vector{1, 0xc9f49bf37d57ca93u}, Vector{7, 0xd3927d989bb11140u},
                        Vector{8, 0x369095118d299a8eu}, Vector{9, 0x25a48eb36c063de4u}, Vector{15, 0xd320d86d2a519956u},
                        Vector{16, 0xcc4fdd1a7d908b66u}, Vector{63, 0x9d199062b7bbb3a8u}}) {
    EXPECT_EQ(keyed_hash(kReferenceKey, counting_bytes(vector.bytes)), vector.hash) << vector.bytes;
  }
}

TEST(KeyedHash, DependsOnBothHalvesOfTheKey) {
  std::uint64_t hash = keyed_hash(kReferenceKey, "key");
  EXPECT_NE(keyed_hash({kReferenceKey.first + 1, kReferenceKey.second}, "key"), hash);
  EXPECT_NE(keyed_hash({kReferenceKey.first, kReferenceKey.second + 1}, "key"), hash);
}

TEST(KeyedHash, TakesZeroBytesIntoAccount) {
  EXPECT_NE(keyed_hash(kReferenceKey, std::string(1, '\0')), keyed_hash(kReferenceKey, std::string(2, '\0')));
  EXPECT_NE(keyed_hash(kReferenceKey, ""), keyed_hash(kReferenceKey, std::string(1, '\0')));
}

TEST(HashKey, IsAnotherOneEachTime) {
  HashKey one = HashKey::random();
  HashKey two = HashKey::random();
  EXPECT_FALSE(one.first == two.first && one.second == two.second);
}

// From the sanity check of xxHash 0.8 (XSUM_sanity_check.c).
TEST(HashBytes, IsXxh3) {
  struct Vector {
    std::size_t bytes;
    std::uint64_t hash;
    std::uint64_t seeded;
  };
  for (Vector vector :
       {Vector{0, 0x2d06800538d394c2u, 0xa8a6b918b2f0364au}, Vector{1, 0xc44bdff4074eecdbu, 0x032be332dd766ef8u},
        Vector{6, 0x27b56a84cd2d7325u, 0x84589c116ab59ab9u}, Vector{12, 0xa713daf0dfbb77e7u, 0xe7303e1b2336de0eu},
        Vector{24, 0xa3fe70bf9d3510ebu, 0x850e80fc35bdd690u}, Vector{48, 0x397da259ecba1f11u, 0xadc2cbaa44acc616u},
        Vector{80, 0xbcdefbbb2c47c90au, 0xc6dd0cb699532e73u}, Vector{195, 0xcd94217ee362ec3au, 0xba68003d370cb3d9u}}) {
    std::string sample = xxhash_sample(vector.bytes);
    EXPECT_EQ(hash_text(sample), vector.hash) << vector.bytes;
    EXPECT_EQ(hash_bytes(sample.data(), sample.size(), 11400714785074694797u), vector.seeded) << vector.bytes;
  }
}

TEST(HashText, HashesBytesNotPointers) {
  EXPECT_EQ(hash_text("backend"), hash_text(std::string("backend")));
  EXPECT_NE(hash_text("backend"), hash_text("backend", 1));
}

// The finalizer applied to the state of SplitMix64: first outputs of the reference generator with seed 0.
TEST(Mix, IsTheFinalizerOfSplitMix64) {
  static_assert(mix(0x9e3779b97f4a7c15u) == 0xe220a8397b1dcdafu);
  static_assert(mix(2 * 0x9e3779b97f4a7c15u) == 0x6e789e6aa1b965f4u);
  static_assert(mix(0) == 0);
}

TEST(Mix, IsOneToOne) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t x = 0; x < 10'000; ++x) EXPECT_TRUE(seen.insert(mix(x)).second);
}

}  // namespace
}  // namespace weir::base
