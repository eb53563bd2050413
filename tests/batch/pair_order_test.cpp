#include "data/batches/pair_order.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/batch/made_store.h"

namespace banter::data {
namespace {

using tests::MadeStore;
using Pairs = std::vector<std::uint64_t>;

const BatchOptions kSmall{.tokens_per_batch = 60, .max_reply_tokens = 8, .window = 3};

const Split& made_pairs() {
  static const MadeStore made({.dialogues = 3, .pairs = 200});
  return made.split();
}

std::vector<Pairs> epoch_of(const PairOrder& order, std::uint64_t epoch) {
  std::vector<Pairs> batches;
  for (std::uint64_t w = 0; w < order.windows(); ++w)
    for (auto& batch : order.window(epoch, w)) batches.push_back(std::move(batch));
  return batches;
}

Pairs flat(const std::vector<Pairs>& batches) {
  Pairs all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

std::int64_t labels_of(std::uint64_t pair) {
  return training_labels(made_pairs().hypothesis_length(pair), kSmall);
}

TEST(PairOrderTest, EveryChosenPairComesExactlyOnceAnEpoch) {
  Pairs decided;
  for (std::uint64_t pair = 0; pair < made_pairs().pairs(); ++pair)
    if (made_pairs().pair_label(pair) != Label::kNeutral) decided.push_back(pair);
  ASSERT_GT(decided.size(), 100U);
  ASSERT_LT(decided.size(), made_pairs().pairs());
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    auto all = flat(epoch_of(PairOrder(made_pairs(), kSmall, PairChoice::kAll, 7), epoch));
    EXPECT_EQ(all.size(), made_pairs().pairs());
    EXPECT_EQ(std::set(all.begin(), all.end()).size(), made_pairs().pairs());
    auto some = flat(epoch_of(PairOrder(made_pairs(), kSmall, PairChoice::kDecided, 7), epoch));
    std::ranges::sort(some);
    EXPECT_EQ(some, decided);
  }
}

TEST(PairOrderTest, BatchesKeepToTheBudgetAndFallInLength) {
  const PairOrder order(made_pairs(), kSmall, PairChoice::kAll, 7);
  ASSERT_GT(order.windows(), 2U);
  for (const auto& batch : epoch_of(order, 0)) {
    std::int64_t labels = 0;
    for (const auto pair : batch) labels += labels_of(pair);
    ASSERT_FALSE(batch.empty());
    EXPECT_TRUE(labels <= kSmall.tokens_per_batch || batch.size() == 1) << labels;
    EXPECT_TRUE(std::ranges::is_sorted(batch, std::ranges::greater{}, labels_of));
  }
}

TEST(PairOrderTest, ABudgetSmallerThanAHypothesisMakesBatchesOfOne) {
  auto tiny = kSmall;
  tiny.tokens_per_batch = 1;
  const PairOrder order(made_pairs(), tiny, PairChoice::kAll, 7);
  const auto batches = epoch_of(order, 0);
  EXPECT_EQ(batches.size(), made_pairs().pairs());
}

TEST(PairOrderTest, AWindowIsAFunctionOfSeedEpochAndNumber) {
  const PairOrder order(made_pairs(), kSmall, PairChoice::kAll, 7);
  const PairOrder same(made_pairs(), kSmall, PairChoice::kAll, 7);
  const PairOrder other(made_pairs(), kSmall, PairChoice::kAll, 8);
  EXPECT_EQ(order.window(4, 1), same.window(4, 1));
  EXPECT_NE(flat(epoch_of(order, 0)), flat(epoch_of(order, 1)));
  EXPECT_NE(flat(epoch_of(order, 0)), flat(epoch_of(other, 0)));
}

TEST(PairOrderTest, AWindowOrPairsThatAreNotThereAreErrors) {
  const PairOrder order(made_pairs(), kSmall, PairChoice::kAll, 7);
  EXPECT_THROW((void)order.window(0, order.windows()), base::DataError);
  const MadeStore without;
  try {
    const PairOrder none(without.split(), kSmall, PairChoice::kDecided, 7);
    FAIL() << "a split without pairs was taken";
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("has 0 sentence pairs"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace banter::data
