#include "data/batches/pair_stream.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/batch/made_store.h"

namespace banter::data {
namespace {

using tests::MadeStore;
using Ids = std::vector<TokenId>;

const BatchOptions kSmall{.tokens_per_batch = 60, .max_reply_tokens = 8, .window = 3};

const MadeStore& store() {
  static const MadeStore made({.dialogues = 3, .pairs = 200});
  return made;
}

Ids kept(const torch::Tensor& row, const torch::Tensor& keep) {
  const auto values = row.masked_select(keep).contiguous();
  return {values.data_ptr<std::int64_t>(), values.data_ptr<std::int64_t>() + values.numel()};
}

/// That row n of a batch is the pair that it says, laid out as a persona and a reply.
void expect_pair(const PairBatch& batch, std::int64_t n, bool is_cut) {
  const auto pair = batch.pairs[static_cast<std::size_t>(n)];
  const auto& special = store().special();
  Ids premise = {special.persona}, hypothesis;
  store().split().append_premise(pair, premise);
  premise.push_back(special.turn_end);
  store().split().append_hypothesis(pair, hypothesis);
  const auto most = static_cast<std::size_t>(kSmall.max_reply_tokens);
  if (is_cut && hypothesis.size() > most)
    hypothesis.resize(most);
  else
    hypothesis.push_back(special.eos);
  const auto fact = batch.texts.facts[n][0].item<std::int64_t>();
  EXPECT_EQ(kept(batch.texts.turn_ids[fact], batch.texts.turn_keep[fact]), premise);
  EXPECT_EQ(kept(batch.texts.labels[n], batch.texts.labels[n].ge(0)), hypothesis);
  EXPECT_EQ(batch.label[n].item<std::int64_t>(),
            static_cast<std::int64_t>(store().split().pair_label(pair)));
}

TEST(PairStreamTest, GivesEveryPairOnceAnEpochAsPersonaAndReply) {
  PairStream stream(store().split(), kSmall, store().special(), PairChoice::kAll, 3);
  std::vector<std::uint64_t> seen;
  while (stream.position().epoch == 0) {
    const auto batch = stream.next();
    seen.insert(seen.end(), batch.pairs.begin(), batch.pairs.end());
    EXPECT_TRUE(batch.texts.label_count <= kSmall.tokens_per_batch || batch.size() == 1);
    EXPECT_EQ(batch.texts.context.size(1), 0);
    for (std::int64_t n = 0; n < batch.size(); ++n) expect_pair(batch, n, /*is_cut=*/true);
  }
  EXPECT_EQ(seen.size(), stream.pairs());
  std::ranges::sort(seen);
  for (std::size_t p = 0; p < seen.size(); ++p) ASSERT_EQ(seen[p], p);
}

TEST(PairStreamTest, SeekingAnywhereGoesOnLikeTheUnbrokenStream) {
  const auto made = [] {
    return PairStream(store().split(), kSmall, store().special(), PairChoice::kDecided, 3);
  };
  auto stream = made(), other = made();
  std::vector<std::pair<Position, std::vector<std::uint64_t>>> unbroken;
  while (stream.position().epoch < 2) {
    const auto at = stream.position();
    unbroken.emplace_back(at, stream.next().pairs);
  }
  for (std::size_t i = unbroken.size(); i-- > 0;) {
    other.seek(unbroken[i].first);
    for (std::size_t j = i; j < std::min(i + 3, unbroken.size()); ++j) {
      EXPECT_EQ(other.position(), unbroken[j].first);
      EXPECT_EQ(other.next().pairs, unbroken[j].second);
    }
  }
  const auto at = other.position();
  EXPECT_THROW(other.seek({.epoch = 0, .window = 0, .batch = 9999}), base::DataError);
  EXPECT_EQ(other.position(), at);
}

TEST(PairStreamTest, AnEvaluationIsOnePassInTheSplitsOrder) {
  for (const auto length : {ReplyLength::kCut, ReplyLength::kWhole}) {
    PairEvaluationStream stream(store().split(), kSmall, store().special(), PairChoice::kDecided,
                                length);
    PairBatch batch;
    std::vector<std::uint64_t> seen;
    while (stream.next(batch)) {
      auto pairs = batch.pairs;
      std::ranges::sort(pairs);
      seen.insert(seen.end(), pairs.begin(), pairs.end());
      for (std::int64_t n = 0; n < batch.size(); ++n)
        expect_pair(batch, n, length == ReplyLength::kCut);
    }
    EXPECT_EQ(seen, chosen_pairs(store().split(), PairChoice::kDecided));
    EXPECT_EQ(seen.size(), stream.pairs());
  }
}

TEST(PairStreamTest, PairsFromOutsideKeepTheirNumbers) {
  const auto first = store().special().count();
  const std::vector<PairIds> pairs = {
      {.premise = {first}, .hypothesis = {first + 1}, .label = Label::kContradiction},
      {.premise = {first + 2}, .hypothesis = {first, first, first}, .label = Label::kEntailment}};
  const auto batch = make_pair_batch(pairs, kSmall, store().special());
  EXPECT_EQ(batch.pairs, (std::vector<std::uint64_t>{1, 0}));
  EXPECT_EQ(batch.label[0].item<std::int64_t>(), static_cast<std::int64_t>(Label::kEntailment));
  EXPECT_THROW(make_pair_batch(std::vector<PairIds>{}, kSmall, store().special()), base::DataError);
}

}  // namespace
}  // namespace banter::data
