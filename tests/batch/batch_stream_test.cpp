#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/batches/batch.h"
#include "tests/batch/made_store.h"
#include "tests/batch/seen_batch.h"

namespace banter::data {
namespace {

using tests::MadeStore;

/// The same from the split, written as plainly as can be.
Seen naive(const Split& split, const Example& example, const BatchOptions& options,
           const SpecialIds& special, bool cut_reply) {
  const auto dialogue = split.dialogue(example.dialogue);
  const auto own = dialogue.first_turn + example.turn;
  const auto cut = [](Ids ids, std::int64_t most) {
    if (ids.size() > static_cast<std::size_t>(most)) ids.resize(static_cast<std::size_t>(most));
    return ids;
  };
  Seen expected{.speaker = split.turn_speaker(own)};
  std::int64_t tokens = 0;
  const auto size = [](const Seen::Source& s) { return static_cast<std::int64_t>(s.ids.size()); };
  if (options.persona == "turns") {
    for (std::uint32_t f = 0; f < dialogue.facts; ++f) {
      if (split.fact_speaker(dialogue.first_fact + f) != expected.speaker) continue;
      Ids text, ids = {special.persona};
      split.append_fact(dialogue.first_fact + f, text);
      for (const auto id : cut(text, options.max_turn_tokens)) ids.push_back(id);
      ids.push_back(special.turn_end);
      expected.facts.push_back({.ids = ids, .speaker = expected.speaker, .kind = 1});
      tokens += size(expected.facts.back());
    }
    while (!expected.facts.empty() && tokens > options.max_context_tokens) {
      tokens -= size(expected.facts.back());
      expected.facts.pop_back();
    }
  }
  for (std::uint32_t t = 0; t < example.turn; ++t) {
    Ids ids;
    split.append_turn(dialogue.first_turn + t, ids);
    ids = cut(ids, options.max_turn_tokens);
    ids.push_back(special.turn_end);
    expected.context.push_back(
        {.ids = ids, .speaker = split.turn_speaker(dialogue.first_turn + t), .kind = 0});
    tokens += size(expected.context.back());
  }
  while (expected.context.size() > 1 &&
         (tokens > options.max_context_tokens ||
          expected.context.size() > static_cast<std::size_t>(options.max_context_turns))) {
    tokens -= size(expected.context.front());
    expected.context.erase(expected.context.begin());
  }
  split.append_turn(own, expected.labels);
  if (cut_reply && expected.labels.size() > static_cast<std::size_t>(options.max_reply_tokens))
    expected.labels = cut(expected.labels, options.max_reply_tokens);
  else
    expected.labels.push_back(special.eos);
  expected.decoder_input = expected.labels;
  expected.decoder_input.insert(expected.decoder_input.begin(), special.bos);
  expected.decoder_input.pop_back();
  return expected;
}

bool falls(const Ids& sizes) { return std::ranges::is_sorted(sizes, std::ranges::greater{}); }

/// What holds for every batch of a split.
void expect_sound(const Batch& batch, const Split& split, const BatchOptions& options,
                  const SpecialIds& special, bool cut_replies) {
  const auto B = batch.replies(), M = batch.turn_ids.size(0);
  ASSERT_EQ(static_cast<std::size_t>(B), batch.examples.size());
  EXPECT_TRUE(falls(list(batch.turn_keep.sum(1)))) << "turns by falling length";
  EXPECT_TRUE(falls(list(batch.labels.ne(-100).sum(1)))) << "replies by falling length";
  EXPECT_EQ(batch.turn_ids.size(1), batch.turn_keep.sum(1).max().item<std::int64_t>());
  EXPECT_EQ(batch.labels.size(1), batch.labels.ne(-100).sum(1).max().item<std::int64_t>());
  EXPECT_EQ(batch.label_count, batch.labels.ne(-100).sum().item<std::int64_t>());
  // Padding stands behind the real tokens and holds pad.
  EXPECT_TRUE(batch.turn_ids.masked_select(batch.turn_keep.logical_not())
                  .eq(special.pad)
                  .all()
                  .item<bool>());
  EXPECT_TRUE(
      batch.decoder_input.masked_select(batch.labels.eq(-100)).eq(special.pad).all().item<bool>());

  std::set<std::uint64_t> turns;  // different turns that the replies read
  std::set<std::int64_t> rows;
  for (std::int64_t b = 0; b < B; ++b) {
    const auto& example = batch.examples[static_cast<std::size_t>(b)];
    const auto view = split.dialogue(example.dialogue);
    const auto own = view.first_turn + example.turn;
    EXPECT_EQ(seen(batch, b), naive(split, example, options, special, cut_replies));
    EXPECT_EQ(batch.words[static_cast<std::size_t>(b)], split.turn_words(own));
    EXPECT_EQ(batch.bytes[static_cast<std::size_t>(b)], split.turn_bytes(own));
    const auto context = list(batch.context[b]);
    const auto kept = std::ranges::find(context, -1) - context.begin();
    EXPECT_EQ(std::ranges::count_if(context, [](auto row) { return row >= 0; }), kept)
        << "kept turns first";
    for (std::int64_t i = 0; i < kept; ++i)
      turns.insert(own - static_cast<std::uint64_t>(kept - i));
    for (const auto row : context) rows.insert(row);
    for (const auto row : list(batch.facts[b])) rows.insert(row);
    if (const auto row = batch.reply_turn[b].item<std::int64_t>(); row >= 0) {
      Ids text;
      split.append_turn(own, text, static_cast<std::uint32_t>(options.max_turn_tokens));
      text.push_back(special.turn_end);
      EXPECT_EQ(source(batch, row).ids, text);
    }
  }
  rows.erase(-1);
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(M)) << "every row is read by somebody";
  EXPECT_EQ(turns.size(),
            static_cast<std::size_t>(batch.turn_kind.eq(0).sum().item<std::int64_t>()))
      << "every different turn once";
}

std::vector<BatchOptions> many_options() {
  return {
      {.tokens_per_batch = 300, .window = 3},
      {.shuffle = "reply", .tokens_per_batch = 300, .window = 3},
      {.tokens_per_batch = 200, .max_context_turns = 1, .window = 2, .reply_by = "right"},
      {.tokens_per_batch = 200, .max_turn_tokens = 4, .max_reply_tokens = 6, .window = 2},
      {.tokens_per_batch = 200, .max_context_tokens = 30, .window = 2, .reply_by = "speaker:B"},
      {.shuffle = "reply",
       .tokens_per_batch = 20,
       .max_context_tokens = 1,
       .max_replies_per_part = 2},
      {.tokens_per_batch = 100000, .persona = "none"},
  };
}

class BatchStreamTest : public testing::TestWithParam<BatchOptions> {
 protected:
  static const MadeStore& store() {
    static const MadeStore made;
    return made;
  }
};

TEST_P(BatchStreamTest, EveryBatchHoldsWhatTheSplitSays) {
  const auto& split = store().split();
  BatchStream stream(split, GetParam(), store().special(), 3);
  std::uint64_t replies = 0;
  while (stream.position().epoch == 0) {
    const auto batch = stream.next();
    replies += batch.examples.size();
    expect_sound(batch, split, GetParam(), store().special(), /*cut_replies=*/true);
    EXPECT_TRUE(batch.label_count <= GetParam().tokens_per_batch || batch.replies() == 1);
  }
  EXPECT_EQ(replies, stream.replies());
}

TEST_P(BatchStreamTest, SeekingAnywhereGoesOnLikeTheUnbrokenStream) {
  const auto& split = store().split();
  BatchStream stream(split, GetParam(), store().special(), 3);
  std::vector<std::pair<Position, Batch>> unbroken;
  while (stream.position().epoch < 3) {
    const auto at = stream.position();
    unbroken.emplace_back(at, stream.next());
  }
  BatchStream other(split, GetParam(), store().special(), 3);
  for (std::size_t i = unbroken.size(); i-- > 0;) {
    other.seek(unbroken[i].first);
    EXPECT_EQ(other.position(), unbroken[i].first);
    for (std::size_t j = i; j < std::min(i + 3, unbroken.size()); ++j) {
      EXPECT_EQ(other.position(), unbroken[j].first);
      const auto batch = other.next();
      EXPECT_EQ(batch.examples, unbroken[j].second.examples);
      EXPECT_TRUE(torch::equal(batch.turn_ids, unbroken[j].second.turn_ids));
      EXPECT_TRUE(torch::equal(batch.labels, unbroken[j].second.labels));
    }
  }
}

TEST_P(BatchStreamTest, EvaluationGoesThroughTheSplitOnceInItsOrderWithWholeReplies) {
  const auto& split = store().split();
  EvaluationStream stream(split, GetParam(), store().special());
  std::set<std::pair<std::uint64_t, std::uint32_t>> all;
  std::pair<std::uint64_t, std::uint32_t> last{0, 0};
  Batch batch;
  while (stream.next(batch)) {
    expect_sound(batch, split, GetParam(), store().special(), /*cut_replies=*/false);
    EXPECT_TRUE(batch.label_count <= GetParam().tokens_per_batch || batch.replies() == 1);
    auto newest = last;
    for (const auto& example : batch.examples) {
      const std::pair here{example.dialogue, example.turn};
      EXPECT_TRUE(all.insert(here).second);
      EXPECT_GT(here, last);
      newest = std::max(newest, here);
    }
    last = newest;
  }
  EXPECT_EQ(all.size(), stream.replies());
  BatchStream training(split, GetParam(), store().special(), 3);
  EXPECT_EQ(stream.replies(), training.replies());
}

TEST_P(BatchStreamTest, JoinedIsFactsAndTurnsWithoutGaps) {
  BatchStream stream(store().split(), GetParam(), store().special(), 3);
  for (int i = 0; i < 5; ++i) {
    const auto batch = stream.next();
    const auto joined = batch.joined();
    const auto F = batch.facts.size(1);
    for (std::int64_t b = 0; b < batch.replies(); ++b) {
      Ids ids, speakers, places;
      const auto add = [&](const torch::Tensor& rows, std::int64_t first) {
        for (std::int64_t i_row = 0; i_row < rows.size(0); ++i_row) {
          const auto row = rows[i_row].item<std::int64_t>();
          if (row < 0) continue;
          const auto [row_ids, speaker, kind] = source(batch, row);
          ids.insert(ids.end(), row_ids.begin(), row_ids.end());
          speakers.insert(speakers.end(), row_ids.size(), speaker);
          places.insert(places.end(), row_ids.size(), first + i_row);
        }
      };
      add(batch.facts[b], 0);
      add(batch.context[b], F);
      EXPECT_EQ(list(joined.ids[b].masked_select(joined.keep[b])), ids);
      EXPECT_EQ(list(joined.speaker[b].masked_select(joined.keep[b])), speakers);
      EXPECT_EQ(list(joined.source[b].masked_select(joined.keep[b])), places);
      const auto hidden = joined.keep[b].logical_not();
      EXPECT_TRUE(joined.source[b].masked_select(hidden).eq(-1).all().item<bool>());
      EXPECT_TRUE(joined.ids[b].masked_select(hidden).eq(store().special().pad).all().item<bool>());
      EXPECT_TRUE(list(joined.keep[b].to(torch::kLong)).at(0) == 1);
    }
    EXPECT_EQ(joined.ids.size(1), joined.keep.sum(1).max().item<std::int64_t>());
  }
}

TEST_P(BatchStreamTest, WhatBeginsAndEndsAContextStandsAroundWhatIsJoined) {
  BatchStream stream(store().split(), GetParam(), store().special(), 3);
  const auto batch = stream.next();
  auto special = store().special();
  special.context_begin = 901;
  special.context_end = 902;
  const auto bare = batch.joined(), framed = batch.joined(special);
  EXPECT_EQ(framed.ids.size(1), bare.ids.size(1) + 2);
  for (std::int64_t b = 0; b < batch.replies(); ++b) {
    const auto kept = [&](const torch::Tensor& rows, const Batch::Joined& of) {
      return list(rows[b].masked_select(of.keep[b]));
    };
    const auto around = [](Ids ids, std::int64_t first, std::int64_t last) {
      ids.insert(ids.begin(), first);
      ids.push_back(last);
      return ids;
    };
    const auto places = kept(bare.source, bare);
    EXPECT_EQ(kept(framed.ids, framed), around(kept(bare.ids, bare), 901, 902));
    EXPECT_EQ(kept(framed.speaker, framed), around(kept(bare.speaker, bare), 0, 0));
    EXPECT_EQ(kept(framed.source, framed), around(places, places.front(), places.back()));
    EXPECT_TRUE(
        framed.source[b].masked_select(framed.keep[b].logical_not()).eq(-1).all().item<bool>());
  }
}

TEST_P(BatchStreamTest, ContextsFromOutsideMakeTheSameReplies) {
  const auto& split = store().split();
  EvaluationStream stream(split, GetParam(), store().special());
  Batch batch;
  for (int i = 0; i < 4 && stream.next(batch); ++i) {
    std::vector<Context> contexts;
    for (const auto& example : batch.examples)
      contexts.push_back(context_of(split, example, GetParam()));
    const auto same = make_batch(contexts, GetParam(), store().special());
    ASSERT_EQ(same.replies(), batch.replies());
    std::set<Seen::Source> rows;
    for (std::int64_t m = 0; m < same.turn_ids.size(0); ++m) rows.insert(source(same, m));
    EXPECT_EQ(rows.size(), static_cast<std::size_t>(same.turn_ids.size(0))) << "no row twice";
    for (std::int64_t b = 0; b < batch.replies(); ++b) {
      EXPECT_EQ(same.examples[static_cast<std::size_t>(b)].dialogue, static_cast<std::uint64_t>(b));
      EXPECT_EQ(seen(same, b), seen(batch, b));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Options, BatchStreamTest, testing::ValuesIn(many_options()),
                         [](const auto& set) { return "Set" + std::to_string(set.index); });

TEST(BatchStreamPlaceTest, APlaceThatDoesNotExistIsAnErrorAndLeavesTheStreamWhereItWas) {
  const MadeStore made;
  BatchStream stream(made.split(), {.tokens_per_batch = 300, .window = 3}, made.special(), 3);
  stream.next();
  const auto at = stream.position();
  EXPECT_THROW(stream.seek({.epoch = 0, .window = stream.windows(), .batch = 0}), base::DataError);
  EXPECT_THROW(stream.seek({.epoch = 0, .window = 0, .batch = 100000}), base::DataError);
  EXPECT_EQ(stream.position(), at);
}

}  // namespace
}  // namespace banter::data
