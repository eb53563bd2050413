#include "models/decoding/constraints.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace banter::models {
namespace {

using Ids = std::vector<data::TokenId>;

Ids forbidden(const DecodingOptions& options, const Ids& so_far, std::size_t vocab_size = 20) {
  std::vector<float> logits(vocab_size, 0.0F);
  Constraints(data::SpecialIds{}, options, {}).apply(logits, so_far);
  Ids found;
  for (std::size_t id = 0; id < logits.size(); ++id)
    if (std::isinf(logits[id])) found.push_back(static_cast<data::TokenId>(id));
  return found;
}

const Ids kNever = {0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

TEST(RepeatingIdsTest, FindsWhatWouldRepeatAnNGram) {
  EXPECT_EQ(repeating_ids(Ids{5, 6, 7, 5, 6}, Ids{5, 6, 7, 5, 6}, 3), Ids{7});
  EXPECT_EQ(repeating_ids(Ids{5, 6, 5, 7, 5}, Ids{5, 6, 5, 7, 5}, 2), (Ids{6, 7}));
  EXPECT_EQ(repeating_ids(Ids{5, 6}, Ids{5, 6}, 1), (Ids{5, 6}));
  EXPECT_EQ(repeating_ids(Ids{5, 5}, Ids{5, 5}, 2), Ids{5});
}

TEST(RepeatingIdsTest, FindsNothingInAShortReplyOrWhenOff) {
  EXPECT_TRUE(repeating_ids(Ids{5, 6}, Ids{5, 6}, 3).empty());
  EXPECT_TRUE(repeating_ids(Ids{}, Ids{}, 1).empty());
  EXPECT_TRUE(repeating_ids(Ids{5, 5, 5}, Ids{5, 5, 5}, 0).empty());
  EXPECT_TRUE(repeating_ids(Ids{5, 6, 7, 8}, Ids{5, 6, 7, 8}, 2).empty());
}

TEST(ConstraintsTest, NeverAllowsSpecialIdsButTheEnd) {
  EXPECT_EQ(forbidden({.min_new_tokens = 0}, {}), kNever);
}

TEST(ConstraintsTest, HoldsTheEndBackUntilTheMinimumLength) {
  const DecodingOptions options{.min_new_tokens = 2};
  const data::TokenId eos = data::SpecialIds{}.eos;
  EXPECT_TRUE(std::ranges::count(forbidden(options, {}), eos));
  EXPECT_TRUE(std::ranges::count(forbidden(options, {15}), eos));
  EXPECT_FALSE(std::ranges::count(forbidden(options, {15, 15}), eos));
}

TEST(ConstraintsTest, ForbidsRepeatedNGrams) {
  EXPECT_TRUE(std::ranges::count(forbidden({.no_repeat_ngram_size = 2}, {15, 16, 15}), 16));
  EXPECT_FALSE(std::ranges::count(forbidden({.no_repeat_ngram_size = 0}, {15, 16, 15}), 16));
}

TEST(ConstraintsTest, LeavesIdsOutsideASmallVocabularyAlone) {
  EXPECT_EQ(forbidden({.min_new_tokens = 0}, {}, 3), (Ids{0, 1, 2}));
}

}  // namespace
}  // namespace banter::models
