#include "serve/sessions/replay.h"

#include <gtest/gtest.h>

#include "serve/sessions/rate_limit.h"

namespace banter::serve {
namespace {

Delta delta(const std::string& id, const std::string& text) {
  return {.id = id, .turn = 1, .text = text};
}

TEST(ReplayTest, GivesWhatIsBehindASequenceNumberOnce) {
  Replay replay(1000);
  for (std::int64_t seq = 1; seq <= 4; ++seq) replay.add(seq, delta("a", "x"), 10);
  EXPECT_EQ(replay.take_after(2).size(), 2U);
  EXPECT_EQ(replay.take_after(0).size(), 0U);
  EXPECT_EQ(replay.bytes(), 0);
}

TEST(ReplayTest, ADoneStandsForAllOfItsTurn) {
  Replay replay(1000);
  replay.add(1, Accepted{.id = "a"}, 10);
  replay.add(2, delta("a", "x"), 10);
  replay.add(3, Progress{.id = "a"}, 10);
  replay.add(4, delta("b", "y"), 10);
  replay.add(5, Done{.id = "a"}, 10);
  const auto frames = replay.take_after(0);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<Accepted>(frames[0]));
  EXPECT_EQ(std::get<Delta>(frames[1]).id, "b");
  EXPECT_TRUE(std::holds_alternative<Done>(frames[2]));
}

TEST(ReplayTest, LetsGoOfTheOldestBeyondItsBound) {
  Replay replay(25);
  for (std::int64_t seq = 1; seq <= 4; ++seq) replay.add(seq, delta("a", std::to_string(seq)), 10);
  EXPECT_EQ(replay.bytes(), 20);
  EXPECT_EQ(std::get<Delta>(replay.take_after(0).front()).text, "3");
}

TEST(RateLimitTest, TakesSoManyInAWindowAndSaysHowLongToWait) {
  using std::chrono::seconds;
  RateLimit limit(2, seconds(60));
  const RateLimit::Clock::time_point start{};
  EXPECT_FALSE(limit.take(start));
  EXPECT_FALSE(limit.take(start + seconds(10)));
  EXPECT_EQ(limit.take(start + seconds(20)), seconds(40));
  EXPECT_FALSE(limit.take(start + seconds(60)));
  EXPECT_EQ(limit.take(start + seconds(61)), seconds(9));
  EXPECT_FALSE(limit.is_idle(start + seconds(100)));
  EXPECT_TRUE(limit.is_idle(start + seconds(120)));
}

}  // namespace
}  // namespace banter::serve
