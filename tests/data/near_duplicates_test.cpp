#include "data/inspection/likeness/near_duplicates.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace banter::tests {
namespace {

constexpr std::uint64_t kSeed = 20;
constexpr std::size_t kWords = 120;

/// A dialogue of words that are drawn by a key, in turns of ten.
data::Dialogue drawn(std::uint64_t key, std::size_t words = kWords) {
  data::Dialogue dialogue;
  for (std::size_t i = 0; i < words; ++i) {
    if (i % 10 == 0) dialogue.turns.push_back({i % 20 == 0 ? "A" : "B", "", ""});
    auto& text = dialogue.turns.back().text;
    text += (text.empty() ? "" : " ") +
            std::to_string(base::join_keys(base::join_keys(kSeed, key), i) % 5000);
  }
  return dialogue;
}

/// A copy in which `edits` of the turns have a word more.
data::Dialogue edited(data::Dialogue dialogue, std::size_t edits) {
  for (std::size_t i = 0; i < edits; ++i) dialogue.turns.at(i).text.insert(2, " edit ");
  return dialogue;
}

struct Sketched {
  data::Sketch sketch;
  std::set<std::uint64_t> shingles;
};

Sketched sketched(const data::Dialogue& dialogue) {
  data::Sketcher sketcher;
  const auto sketch = sketcher.sketch(dialogue);
  return {sketch, {sketcher.shingles().begin(), sketcher.shingles().end()}};
}

double jaccard(const Sketched& a, const Sketched& b) {
  std::vector<std::uint64_t> both;
  std::ranges::set_intersection(a.shingles, b.shingles, std::back_inserter(both));
  const auto all = a.shingles.size() + b.shingles.size() - both.size();
  return static_cast<double>(both.size()) / static_cast<double>(all);
}

/// P(at least kAlike of kHashes values are equal) when each is with probability `p`.
double told_alike(double p) {
  double sum = 0;
  for (std::size_t k = data::NearDuplicates::kAlike; k <= data::Sketch::kHashes; ++k) {
    const auto n = static_cast<double>(data::Sketch::kHashes);
    const auto x = static_cast<double>(k);
    const double ways = std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1);
    sum += std::exp(ways) * std::pow(p, x) * std::pow(1 - p, n - x);
  }
  return sum;
}

TEST(SketchTest, ShinglesGoOverTheBordersOfTurnsAndForgetCase) {
  data::Dialogue one;
  one.turns = {{"A", "a b", ""}, {"B", "C d", ""}};
  data::Dialogue other;
  other.turns = {{"x", "A", ""}, {"y", "B\tc  D", ""}};
  EXPECT_EQ(sketched(one).shingles.size(), 2U);
  EXPECT_EQ(sketched(one).sketch, sketched(other).sketch);
  other.turns[0].text = "b";
  EXPECT_NE(sketched(one).sketch, sketched(other).sketch);
  other.turns = {{"x", "b a", ""}, {"y", "c d", ""}};  // the order of words counts
  EXPECT_NE(sketched(one).sketch, sketched(other).sketch);
}

TEST(SketchTest, AShortTextIsOneShingle) {
  data::Dialogue one;
  one.turns = {{"A", "hi", ""}, {"B", "hi", ""}};
  EXPECT_EQ(sketched(one).shingles.size(), 1U);
}

TEST(SketchTest, EqualValuesEstimateTheJaccardIndex) {
  constexpr int kPairs = 200;
  for (const std::size_t edits : {1, 3, 6, 12}) {
    double estimate = 0;
    double truth = 0;
    for (int i = 0; i < kPairs; ++i) {
      const auto one = sketched(drawn(static_cast<std::uint64_t>(i)));
      const auto other = sketched(edited(drawn(static_cast<std::uint64_t>(i)), edits));
      estimate +=
          static_cast<double>(data::equal_values(one.sketch, other.sketch)) / data::Sketch::kHashes;
      truth += jaccard(one, other);
    }
    // Four standard errors of a mean of kPairs * kHashes draws.
    const double p = truth / kPairs;
    const double bound = 4 * std::sqrt(p * (1 - p) / (kPairs * data::Sketch::kHashes));
    EXPECT_NEAR(estimate / kPairs, p, bound) << edits << " edits";
  }
}

TEST(NearDuplicatesTest, FindsAsManyNearCopiesAsTheProbabilitySays) {
  constexpr std::uint64_t kOriginals = 500;
  for (const std::size_t edits : {0, 1, 2, 3, 4, 5, 6, 8, 12}) {
    data::NearDuplicates table;
    for (std::uint64_t i = 0; i < kOriginals; ++i) table.add(sketched(drawn(i)).sketch);
    ASSERT_EQ(table.counts().alike, 0U);
    double wanted = 0;
    double variance = 0;
    for (std::uint64_t i = 0; i < kOriginals; ++i) {
      const auto copy = sketched(edited(drawn(i), edits));
      const double p = told_alike(jaccard(sketched(drawn(i)), copy));
      wanted += p;
      variance += p * (1 - p);
      table.add(copy.sketch);
    }
    const auto counts = table.counts();
    EXPECT_EQ(counts.dialogues, 2 * kOriginals);
    EXPECT_EQ(counts.same, edits == 0 ? kOriginals : counts.same);
    EXPECT_EQ(counts.share, 1);
    EXPECT_NEAR(static_cast<double>(counts.alike), wanted, 4 * std::sqrt(variance) + 1)
        << edits << " edits";
  }
}

TEST(NearDuplicatesTest, NoBandIsMissedThatTheValuesWouldHaveTold) {
  data::Sketch one;
  for (std::size_t i = 0; i < data::Sketch::kBands; ++i) one.bands[i] = base::mix64(i);
  one.draw = 1;
  auto other = one;
  // The most unequal values that still are alike, spread over as many bands as they can.
  for (std::size_t i = 0; i < data::Sketch::kHashes - data::NearDuplicates::kAlike; ++i)
    other.bands[i] ^= std::uint64_t{1} << (16 * (i % data::Sketch::kRows));
  data::NearDuplicates table;
  table.add(one);
  table.add(other);
  EXPECT_EQ(table.counts().alike, 1U);
  EXPECT_EQ(table.counts().same, 0U);
  other.bands[15] ^= 1;  // one more
  data::NearDuplicates unlike;
  unlike.add(one);
  unlike.add(other);
  EXPECT_EQ(unlike.counts().alike, 0U);
}

TEST(NearDuplicatesTest, AFullTableGoesOnWithASample) {
  constexpr std::uint64_t kOriginals = 4000;
  constexpr std::size_t kRoom = 500;
  data::NearDuplicates table(kRoom);
  for (std::uint64_t i = 0; i < kOriginals; ++i) {
    table.add(sketched(drawn(i, 40)).sketch);
    table.add(sketched(drawn(i, 40)).sketch);             // a copy
    table.add(sketched(edited(drawn(i, 40), 1)).sketch);  // less than alike, or just so
  }
  const auto counts = table.counts();
  EXPECT_LE(counts.share, 1.0 / 8);
  EXPECT_GE(counts.share, 1.0 / 64);
  // Each dialogue is drawn with the same probability, the copies with their originals.
  const double wanted = 3 * kOriginals * counts.share;
  EXPECT_NEAR(static_cast<double>(counts.dialogues), wanted, 5 * 3 * std::sqrt(wanted));
  EXPECT_NEAR(static_cast<double>(counts.same), wanted / 3, 5 * std::sqrt(wanted));
}

TEST(NearDuplicatesTest, CountsThoseOfAnotherCorpus) {
  data::NearDuplicates train;
  data::NearDuplicates valid;
  for (std::uint64_t i = 0; i < 50; ++i) train.add(sketched(drawn(i)).sketch);
  for (std::uint64_t i = 40; i < 60; ++i) valid.add(sketched(drawn(i)).sketch);
  valid.add(sketched(drawn(41)).sketch);
  valid.add(sketched(edited(drawn(42), 1)).sketch);
  const auto counts = valid.counts_in(train);
  EXPECT_EQ(counts.dialogues, 22U);
  EXPECT_EQ(counts.same, 11U);
  EXPECT_EQ(counts.alike, 12U);
}

TEST(NearDuplicatesTest, IsBoundedInBytes) {
  // Per dialogue: its entry, twice while the table grows by half; its nodes; its buckets.
  constexpr std::size_t kEntry = sizeof(data::Sketch) + 8;
  constexpr std::size_t kNodes = data::Sketch::kBands * sizeof(std::uint32_t);
  EXPECT_LE(data::NearDuplicates::kMaxDialogues * (kEntry * 3 / 2 + kNodes + kNodes),
            data::NearDuplicates::kMaxBytes);
}

}  // namespace
}  // namespace banter::tests
