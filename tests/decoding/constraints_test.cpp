#include "models/decoding/constraints.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace banter::models {
namespace {

using Ids = std::vector<data::TokenId>;

Ids forbidden(const DecodingOptions& options, const Ids& so_far, std::size_t vocab_size = 20,
              const SearchInput& input = {}) {
  std::vector<float> logits(vocab_size, 0.0F);
  Constraints(data::SpecialIds{}, options, input).apply(logits, so_far);
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
  EXPECT_EQ(repeating_ids(Ids{5, 6, 7}, Ids{9, 5, 6}, 3), Ids{7});
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

TEST(ConstraintsTest, AVocabularyWithoutSpeakersKeepsTheIdsThatTheyWouldHave) {
  data::SpecialIds special{.pad = 9, .unk = 1, .bos = 9, .eos = 0, .turn_end = 0};
  special.persona = special.unknown_speaker = special.first_speaker = data::SpecialIds::kNone;
  std::vector<float> logits(10, 0.0F);
  Constraints(special, {.min_new_tokens = 0}, {}).apply(logits, Ids{});
  for (std::size_t id = 0; id < logits.size(); ++id)
    EXPECT_EQ(std::isinf(logits[id]), id == 1 || id == 9) << id;
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

TEST(ConstraintsTest, ForbidsNGramsOfAnyTurnOfTheContext) {
  const SearchInput input{.context = {.turns = {{.ids = {15, 16, 17}}, {.ids = {18, 15, 19}}}}};
  const auto of = [&](std::int64_t n, const Ids& so_far) {
    auto found =
        forbidden({.min_new_tokens = 0, .context_no_repeat_ngram_size = n}, so_far, 20, input);
    std::erase_if(found, [](auto id) { return id < 15; });
    return found;
  };
  EXPECT_EQ(of(1, {}), (Ids{15, 16, 17, 18, 19}));
  EXPECT_EQ(of(2, {15}), (Ids{16, 19}));
  EXPECT_EQ(of(2, {17}), Ids{}) << "turns do not run into each other";
  EXPECT_EQ(of(3, {16, 15, 16}), Ids{17});
  EXPECT_EQ(of(3, {16}), Ids{});
  EXPECT_EQ(of(0, {15}), Ids{});
}

TEST(ConstraintsTest, ForbidsWhatWouldEndABlockedPhraseByWhateverPieces) {
  std::vector<std::string> surfaces(15);  // of special ids
  for (const char* surface : {" dog", "d", "og", "ogs", " d"}) surfaces.emplace_back(surface);
  const auto of = [&](const std::string& phrase, const Ids& so_far) {
    const SearchInput input{.wording = std::make_shared<Wording>(surfaces,
                                                                 std::vector<std::string>{phrase},
                                                                 std::vector<std::string>{})};
    auto found = forbidden({.min_new_tokens = 0}, so_far, 20, input);
    std::erase_if(found, [](auto id) { return id < 15; });
    return found;
  };
  EXPECT_EQ(of("dog", {}), Ids{15});
  EXPECT_EQ(of("dog", {16}), (Ids{15, 17, 18}));
  EXPECT_EQ(of("dog", {17, 16}), (Ids{15, 17, 18})) << "inside a word too";
  EXPECT_EQ(of(" dog", {17, 16}), Ids{15}) << "only where a word begins";
  EXPECT_EQ(of(" dog", {19}), (Ids{15, 17, 18}));
  EXPECT_EQ(of(" dog", {16}), (Ids{15, 17, 18})) << "a text begins as behind a space";
  EXPECT_EQ(of("dog dog", {15}), Ids{15});
  EXPECT_EQ(of("dog dog", {15, 19}), (Ids{17, 18}));
  EXPECT_EQ(of("Dog", {16}), Ids{});
}

TEST(ConstraintsTest, LeavesIdsOutsideASmallVocabularyAlone) {
  EXPECT_EQ(forbidden({.min_new_tokens = 0}, {}, 3), (Ids{0, 1, 2}));
}

}  // namespace
}  // namespace banter::models
