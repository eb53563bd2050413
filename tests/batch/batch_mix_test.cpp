#include "data/batches/batch_mix.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/batch/made_store.h"
#include "tests/batch/seen_batch.h"

namespace banter::data {
namespace {

using tests::MadeStore;

TEST(BatchMixTest, PicksAsOftenAndAsEvenlyAsTheSharesSay) {
  const std::vector<double> shares = {0.5, 0.2, 0.3};
  std::vector<std::uint64_t> counts(3);
  for (std::uint64_t n = 0; n < 100'000; ++n) {
    ++counts[pick(n, shares)];
    for (std::size_t i = 0; i < 3; ++i)
      ASSERT_NEAR(static_cast<double>(counts[i]), shares[i] * static_cast<double>(n + 1), 6) << n;
  }
  EXPECT_EQ(pick(12345, {1.0}), 0U);
}

/// Every batch as the ids of its labels, and where each came from by the first split's batches.
std::vector<Ids> labels_of(BatchMix& mix, int batches) {
  std::vector<Ids> all;
  for (int i = 0; i < batches; ++i) all.push_back(list(mix.next().labels.flatten()));
  return all;
}

TEST(BatchMixTest, OfOneSplitIsItsStream) {
  const MadeStore made;
  const BatchOptions options{.tokens_per_batch = 200};
  BatchStream stream(made.split(), options, made.special(), 3);
  BatchMix mix({{&made.split(), 1}}, options, made.special(), 3);
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(mix.position().splits.front(), stream.position());
    EXPECT_TRUE(torch::equal(mix.next().labels, stream.next().labels)) << i;
  }
}

TEST(BatchMixTest, GoesThroughEverySplitInItsOwnOrderAndIsReachedAnywhere) {
  const MadeStore one;
  const MadeStore two({.seed = 2, .dialogues = 40, .tokenizer = one.store().tokenizer()});
  const BatchOptions options{.tokens_per_batch = 200};
  const std::vector<BatchMix::Source> sources = {{&one.split(), 3}, {&two.split(), 1}};
  BatchMix mix(sources, options, one.special(), 3);
  const auto all = labels_of(mix, 80);

  BatchStream first(one.split(), options, one.special(), 3);
  std::size_t from_first = 0;
  for (const auto& labels : all)
    if (const auto at = first.position(); list(first.next().labels.flatten()) == labels)
      ++from_first;
    else
      first.seek(at);
  EXPECT_NEAR(static_cast<double>(from_first), 60, 3);

  BatchMix other(sources, options, one.special(), 3);
  (void)labels_of(other, 33);
  const auto place = other.position();
  BatchMix third(sources, options, one.special(), 3);
  third.seek(place);
  EXPECT_EQ(third.position(), place);
  const auto rest = labels_of(third, 47);
  EXPECT_TRUE(std::ranges::equal(rest, std::vector(all.begin() + 33, all.end())));
  EXPECT_THROW(third.seek({0, {{}}}), base::DataError);
}

}  // namespace
}  // namespace banter::data
