#include "base/random.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace banter::base {
namespace {

TEST(RandomTest, NumbersAreTheSameOnEveryMachine) {
  EXPECT_EQ(mix64(0), 0xE220A8397B1DCDAFULL);          // the first output of SplitMix64 with seed 0
  EXPECT_EQ(key_of("foobar"), 0x85944171F73967E8ULL);  // FNV-1a's published test vector
  static_assert(join_keys(1, 2) != join_keys(2, 1));
}

TEST(RandomTest, UnitNumbersFillTheUnitIntervalEvenly) {
  std::vector<int> counts(10);
  for (std::uint64_t key = 0; key < 100'000; ++key) {
    const double u = to_unit(key);
    ASSERT_TRUE(u >= 0 && u < 1);
    ++counts[static_cast<std::size_t>(u * 10)];
  }
  // 5 standard deviations of a binomial count
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 475);
}

TEST(RandomTest, APermutationHitsEveryPlaceOnce) {
  for (const std::uint64_t size : {1u, 2u, 3u, 4u, 5u, 17u, 64u, 1000u, 4097u}) {
    for (const std::uint64_t key : {0u, 1u, 99u}) {
      std::set<std::uint64_t> places;
      for (std::uint64_t i = 0; i < size; ++i) places.insert(permuted(i, size, key));
      EXPECT_EQ(places.size(), size);
      EXPECT_LT(*places.rbegin(), size);
    }
  }
}

TEST(RandomTest, KeysGiveDifferentOrders) {
  std::set<std::vector<std::uint64_t>> orders;
  for (std::uint64_t key = 0; key < 20; ++key) {
    std::vector<std::uint64_t> order;
    for (std::uint64_t i = 0; i < 50; ++i) order.push_back(permuted(i, 50, key));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 20u);
}

TEST(RandomTest, PermutesSizesThatNoTableCouldHold) {
  const std::uint64_t size = (std::uint64_t{1} << 62) + 12345;
  const auto a = permuted(7, size, 1);
  const auto b = permuted(8, size, 1);
  EXPECT_TRUE(a < size && b < size && a != b);
}

}  // namespace
}  // namespace banter::base
