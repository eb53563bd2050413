#include "data/batches/batch.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/batch/made_store.h"
#include "tests/batch/seen_batch.h"

namespace banter::data {
namespace {

using tests::MadeStore;

TEST(JoinedTest, WhatBeginsAndEndsAContextStandsAroundNothing) {
  const auto context = [](Ids ids) {
    return Context{.turns = {{.ids = std::move(ids), .speaker = 1}},
                   .facts = {},
                   .reply_speaker = 2,
                   .reply = {}};
  };
  SpecialIds special;
  special.context_begin = 901;
  special.context_end = 902;
  auto batch = make_batch({context({40, 41}), context({42})}, {}, special);
  batch.context[1].fill_(-1);  // one has no source, the other has
  const auto mixed = batch.joined(special);
  EXPECT_EQ(list(mixed.ids[0]), (Ids{901, 40, 41, special.turn_end, 902}));
  EXPECT_EQ(list(mixed.ids[1]), (Ids{901, 902, special.pad, special.pad, special.pad}));
  EXPECT_EQ(list(mixed.keep[1].to(torch::kLong)), (Ids{1, 1, 0, 0, 0}));
  EXPECT_EQ(list(mixed.source[1]), (Ids{0, 0, -1, -1, -1})) << "padding is what has no source";
  batch.context.fill_(-1);
  const auto empty = batch.joined(special);
  for (const std::int64_t b : {0, 1}) {
    EXPECT_EQ(list(empty.ids[b]), (Ids{901, 902}));
    EXPECT_EQ(list(empty.source[b]), (Ids{0, 0}));
  }
  special.context_begin = SpecialIds::kNone;
  EXPECT_EQ(list(batch.joined(special).ids[0]), (Ids{902}));
}

TEST(BatchSharingTest, RepliesOfADialogueShareTheirTurns) {
  const MadeStore made({.dialogues = 3, .most_turns = 11, .personas = false});
  std::vector<Example> examples;
  for (std::uint32_t turn = 1; turn < 11; ++turn) examples.push_back({.dialogue = 1, .turn = turn});
  const auto batch = make_batch(made.split(), examples, {}, made.special(), ReplyLength::kCut);
  EXPECT_EQ(batch.turn_ids.size(0), 10);
  EXPECT_EQ(batch.context.ge(0).sum().item<std::int64_t>(), 55);
  EXPECT_EQ(batch.reply_turn.ge(0).sum().item<std::int64_t>(), 9) << "all but the last are read";
}

TEST(BatchTest, AllItsTensorsGoToADevice) {
  const auto batch =
      make_batch({{.turns = {{.ids = {20}, .speaker = 1}}, .reply_speaker = 2}}, {}, SpecialIds{})
          .to(torch::kMeta);
  for (const auto& tensor :
       {batch.turn_ids, batch.turn_keep, batch.turn_speaker, batch.turn_kind, batch.context,
        batch.facts, batch.reply_turn, batch.reply_speaker, batch.decoder_input, batch.labels})
    EXPECT_TRUE(tensor.is_meta());
  EXPECT_EQ(batch.label_count, 1) << "the rest stays";
}

TEST(MakeBatchTest, ContextsWithoutRepliesKeepTheirOrderAndGetEos) {
  const SpecialIds special;
  const std::vector<Context> contexts = {
      {.turns = {{.ids = {20}, .speaker = 1}}, .reply_speaker = 2},
      {.turns = {{.ids = {20, 21, 22}, .speaker = 1}, {.ids = {20}, .speaker = 1}},
       .facts = {{.ids = {23}, .speaker = 2}},
       .reply_speaker = 2}};
  const auto batch = make_batch(contexts, {}, special);
  EXPECT_EQ(batch.turn_ids.size(0), 3) << "equal turns share a row, the fact is another";
  EXPECT_EQ(seen(batch, 0).context.size(), 1U);
  EXPECT_EQ(seen(batch, 1).context.size(), 2U);
  EXPECT_EQ(seen(batch, 1).facts.at(0).ids, (Ids{special.persona, 23, special.turn_end}));
  EXPECT_EQ(list(batch.labels), (Ids{special.eos, special.eos}));
  EXPECT_EQ(list(batch.decoder_input), (Ids{special.bos, special.bos}));
}

TEST(MakeBatchTest, RepliesGivenAreSortedAndSayWhoseTheyAre) {
  const SpecialIds special;
  const std::vector<Context> contexts = {
      {.turns = {{.ids = {20}}}, .facts = {}, .reply_speaker = 0, .reply = {30}},
      {.turns = {{.ids = {21}}}, .facts = {}, .reply_speaker = 0, .reply = {31, 32, 33}}};
  const auto batch = make_batch(contexts, {.max_reply_tokens = 1}, special);
  EXPECT_EQ(batch.examples[0].dialogue, 1U);
  EXPECT_EQ(batch.examples[1].dialogue, 0U);
  EXPECT_EQ(seen(batch, 0).labels, (Ids{31, 32, 33, special.eos})) << "kept whole";
}

TEST(MakeBatchTest, SpeakersBehindTheLastNamedOneShareItsNumber) {
  const auto batch = make_batch(
      {{.turns = {{.ids = {20}, .speaker = 300}}, .facts = {}, .reply_speaker = 9, .reply = {}}},
      {}, {});
  EXPECT_EQ(batch.turn_speaker[0].item<std::int64_t>(), SpecialIds::kSpeakers);
  EXPECT_EQ(batch.reply_speaker[0].item<std::int64_t>(), SpecialIds::kSpeakers);
}

TEST(MakeBatchTest, AContextWithoutTurnsAndFactsIsRefused) {
  EXPECT_THROW(make_batch({}, {}, {}), base::DataError);
  EXPECT_THROW(make_batch({Context{}}, {}, {}), base::DataError);
  Context facts_only;
  facts_only.facts = {{.ids = {20}}};
  EXPECT_EQ(make_batch({facts_only}, {}, {}).context.size(1), 0);
  EXPECT_THROW(make_batch({facts_only}, {.persona = "none"}, {}), base::DataError);
}

}  // namespace
}  // namespace banter::data
