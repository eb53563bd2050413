#include "serve/client/samples.h"

#include <gtest/gtest.h>

namespace banter::tests {
namespace {

using namespace serve;

using std::chrono::milliseconds;

TEST(SamplesTest, PercentilesAreSamplesByNearestRank) {
  Samples samples;
  EXPECT_EQ(samples.percentile(0.5), 0);
  for (int ms = 100; ms >= 1; --ms) samples.add(milliseconds(ms));
  EXPECT_EQ(samples.count(), 100U);
  EXPECT_EQ(samples.percentile(0.5), 50);
  EXPECT_EQ(samples.percentile(0.99), 99);
  EXPECT_EQ(samples.percentile(0.991), 100);
  EXPECT_EQ(samples.percentile(1), 100);
  EXPECT_EQ(samples.percentile(0.001), 1);
  samples.add(milliseconds(1000));
  EXPECT_EQ(samples.percentile(1), 1000);
  EXPECT_EQ(samples.percentile(0.5), 51);
}

}  // namespace
}  // namespace banter::tests
