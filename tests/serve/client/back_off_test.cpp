#include "serve/client/back_off.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace banter::tests {
namespace {

using namespace serve;

using std::chrono::milliseconds;

TEST(BackOffTest, GrowsToItsBoundAndStartsAnew) {
  milliseconds slowest_first{0}, slowest_late{0};
  std::set<milliseconds> firsts;
  for (std::uint64_t key = 0; key < 500; ++key) {
    BackOff back_off(key);
    const auto first = back_off.next();
    EXPECT_GE(first, BackOff::kLeast);
    EXPECT_LE(first, 2 * BackOff::kLeast);
    firsts.insert(first);
    slowest_first = std::max(slowest_first, first);
    milliseconds late{0};
    for (int i = 0; i < 40; ++i) {
      late = back_off.next();
      EXPECT_GE(late, BackOff::kLeast);
      EXPECT_LE(late, BackOff::kMost);
    }
    slowest_late = std::max(slowest_late, late);
    back_off.succeeded();
    EXPECT_LE(back_off.next(), 2 * BackOff::kLeast);
  }
  EXPECT_GT(firsts.size(), 200U);  // clients do not come back together
  EXPECT_GT(slowest_late, milliseconds(14'000));
}

}  // namespace
}  // namespace banter::tests
