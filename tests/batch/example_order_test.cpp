#include "data/batches/example_order.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/preparation/prepare.h"
#include "tests/batch/made_store.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::data {
namespace {

using tests::MadeStore;
using Key = std::pair<std::uint64_t, std::uint32_t>;

Key key(const Example& example) { return {example.dialogue, example.turn}; }

std::set<Key> every_reply(const Split& split, const std::string& reply_by = "all") {
  const ReplyRule rule(reply_by);
  std::set<Key> replies;
  for (std::uint64_t d = 0; d < split.dialogues(); ++d)
    for (std::uint32_t turn = 0; turn < split.dialogue(d).turns; ++turn)
      if (rule.is_reply(split, split.dialogue(d), turn)) replies.insert({d, turn});
  return replies;
}

std::int64_t labels_of(const Split& split, const Example& example, const BatchOptions& options) {
  const auto turn = split.dialogue(example.dialogue).first_turn + example.turn;
  return training_labels(split.turn_length(turn), options);
}

std::vector<std::vector<Example>> epoch_of(const ExampleOrder& order, std::uint64_t epoch) {
  std::vector<std::vector<Example>> batches;
  for (std::uint64_t w = 0; w < order.windows(); ++w)
    for (auto& batch : order.window(epoch, w)) batches.push_back(std::move(batch));
  return batches;
}

std::vector<Key> flat(const std::vector<std::vector<Example>>& batches) {
  std::vector<Key> keys;
  for (const auto& batch : batches)
    for (const auto& example : batch) keys.push_back(key(example));
  return keys;
}

class ExampleOrderTest : public testing::TestWithParam<BatchOptions> {
 protected:
  static const MadeStore& store() {
    static const MadeStore made({.dialogues = 150});
    return made;
  }
};

TEST_P(ExampleOrderTest, EveryReplyComesExactlyOnceAnEpoch) {
  const auto& split = store().split();
  const ExampleOrder order(split, GetParam(), 7);
  const auto wanted = every_reply(split, GetParam().reply_by);
  EXPECT_EQ(order.replies(), wanted.size());
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    const auto keys = flat(epoch_of(order, epoch));
    EXPECT_EQ(keys.size(), wanted.size());
    EXPECT_EQ(std::set<Key>(keys.begin(), keys.end()), wanted);
  }
}

TEST_P(ExampleOrderTest, NoBatchExceedsTheBudgetUnlessOneReplyDoes) {
  const auto& split = store().split();
  const ExampleOrder order(split, GetParam(), 7);
  for (const auto& batch : epoch_of(order, 0)) {
    std::int64_t labels = 0;
    for (const auto& example : batch) labels += labels_of(split, example, GetParam());
    EXPECT_FALSE(batch.empty());
    EXPECT_TRUE(labels <= GetParam().tokens_per_batch || batch.size() == 1) << labels;
  }
}

TEST_P(ExampleOrderTest, AWindowIsTheSameWhoeverAsksAndWhenever) {
  const ExampleOrder first(store().split(), GetParam(), 7), second(store().split(), GetParam(), 7);
  const auto all = epoch_of(first, 5);
  std::vector<std::vector<Example>> backwards;
  for (auto w = second.windows(); w-- > 0;) {
    auto window = second.window(5, w);
    backwards.insert(backwards.begin(), window.begin(), window.end());
  }
  EXPECT_EQ(flat(all), flat(backwards));
}

TEST_P(ExampleOrderTest, SeedsAndEpochsOrderDifferently) {
  const ExampleOrder order(store().split(), GetParam(), 7), other(store().split(), GetParam(), 8);
  const auto keys = flat(epoch_of(order, 0));
  EXPECT_NE(keys, flat(epoch_of(order, 1)));
  EXPECT_NE(keys, flat(epoch_of(other, 0)));
}

TEST_P(ExampleOrderTest, AWindowThatDoesNotExistIsAnError) {
  const ExampleOrder order(store().split(), GetParam(), 7);
  EXPECT_THROW(order.window(0, order.windows()), base::DataError);
}

std::vector<BatchOptions> many_options() {
  std::vector<BatchOptions> all;
  for (const auto* shuffle : {"dialogue", "reply"})
    for (const auto* reply_by : {"all", "right", "speaker:B"})
      for (const std::int64_t tokens : {1, 60, 100000})
        for (const std::int64_t window : {1, 4})
          for (const std::int64_t part : {1, 3, 64})
            all.push_back({.shuffle = shuffle,
                           .tokens_per_batch = tokens,
                           .max_reply_tokens = 20,
                           .max_replies_per_part = part,
                           .window = window,
                           .reply_by = reply_by});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Options, ExampleOrderTest, testing::ValuesIn(many_options()),
                         [](const auto& set) { return "Set" + std::to_string(set.index); });

TEST(ExampleOrderShuffleTest, RepliesOfADialogueStandInOneBatchUnlessItsPartIsLargerThanABatch) {
  const MadeStore made({.dialogues = 150});
  const auto& split = made.split();
  const BatchOptions options{.tokens_per_batch = 500, .window = 2};
  const ExampleOrder order(split, options, 1);
  std::map<std::uint64_t, std::set<std::size_t>> batches_of;
  std::map<std::uint64_t, std::int64_t> labels;
  const auto batches = epoch_of(order, 0);
  ASSERT_GT(batches.size(), 10U);
  for (std::size_t i = 0; i < batches.size(); ++i)
    for (const auto& example : batches[i]) {
      batches_of[example.dialogue].insert(i);
      labels[example.dialogue] += labels_of(split, example, options);
    }
  for (const auto& [dialogue, where] : batches_of)
    EXPECT_TRUE(where.size() == 1 || labels[dialogue] > options.tokens_per_batch) << dialogue;
}

TEST(ExampleOrderShuffleTest, ShuffleByReplySpreadsADialogueOverBatches) {
  const MadeStore made({.dialogues = 150});
  const ExampleOrder order(made.split(), {.shuffle = "reply", .tokens_per_batch = 500}, 1);
  std::set<std::size_t> batches_of_longest;
  const auto batches = epoch_of(order, 0);
  for (std::size_t i = 0; i < batches.size(); ++i)
    for (const auto& example : batches[i])
      if (example.dialogue == 1) batches_of_longest.insert(i);
  EXPECT_GT(batches_of_longest.size(), 1U);
}

TEST(ExampleOrderShuffleTest, ALongDialogueIsCutIntoPartsOfEqualSize) {
  const MadeStore made({.dialogues = 2, .most_turns = 101, .most_words = 6});
  // One part a batch: what stands together is a part.
  const ExampleOrder order(
      made.split(), {.tokens_per_batch = 1'000'000, .max_replies_per_part = 30, .window = 1}, 1);
  ASSERT_EQ(order.replies(), 100U);
  const auto keys = flat(epoch_of(order, 0));
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (i == 0 || keys[i].second != keys[i - 1].second + 1) starts.push_back(i);
  for (const auto start : starts) EXPECT_EQ(start % 25, 0U);
}

TEST(ExampleOrderShuffleTest, LongRepliesStandWithLongReplies) {
  const MadeStore made({.dialogues = 150});
  const BatchOptions options{.shuffle = "reply", .tokens_per_batch = 200, .window = 1000};
  const ExampleOrder order(made.split(), options, 1);
  std::int64_t labels = 0, steps = 0;
  for (const auto& batch : epoch_of(order, 0)) {
    std::int64_t longest = 0;
    for (const auto& example : batch) {
      const auto more = labels_of(made.split(), example, options);
      labels += more;
      longest = std::max(longest, more);
    }
    steps += longest * static_cast<std::int64_t>(batch.size());
  }
  EXPECT_LT(static_cast<double>(steps), 1.1 * static_cast<double>(labels));
}

TEST(ExampleOrderShuffleTest, ASplitWithoutRepliesIsAnError) {
  const MadeStore made({.dialogues = 1});
  EXPECT_THROW(ExampleOrder(made.split(), {}, 1), base::DataError);
}

TEST(ReplyRuleTest, AllRightAndSpeakerNameTheTurnsThatAreReplies) {
  const MadeStore made({.dialogues = 40});
  const auto& split = made.split();
  for (std::uint64_t d = 0; d < split.dialogues(); ++d) {
    const auto view = split.dialogue(d);
    for (const auto* name : {"all", "right", "last", "speaker:A", "speaker:B"}) {
      const ReplyRule rule(name);
      std::uint32_t count = 0, next = view.turns;
      for (auto turn = view.turns; turn-- > 0;) {
        const auto speaker = split.turn_speaker(view.first_turn + turn);
        const std::string_view by(name);
        const bool wanted = turn > 0 && (by == "all" || (by == "right" && turn % 2 == 1) ||
                                         (by == "last" && turn + 1 == view.turns) ||
                                         (by == "speaker:A" && speaker == 1) ||
                                         (by == "speaker:B" && speaker == 2));
        if (wanted) {
          ++count;
          next = turn;
        }
        EXPECT_EQ(rule.is_reply(split, view, turn), wanted);
        EXPECT_EQ(rule.next(split, view, turn), next);
      }
      EXPECT_EQ(rule.count(split, view), count) << name;
      for (std::uint32_t number = 0; number < count; ++number) {
        EXPECT_EQ(rule.nth(split, view, number), next) << name;
        next = rule.next(split, view, next + 1);
      }
    }
  }
}

TEST(ReplyRuleTest, AutoIsWhatTheCorpusAsksFor) {
  const MadeStore made({.dialogues = 40});
  const auto& split = made.split();
  for (const auto& [format, name] : {std::pair{"convai2", "speaker:B"},
                                     {"ubuntu_v2", "last"},
                                     {"personal_dialog", "last"},
                                     {"jsonl", "all"},
                                     {"", "all"}})
    for (std::uint64_t d = 0; d < split.dialogues(); ++d)
      EXPECT_EQ(ReplyRule("auto", format).count(split, split.dialogue(d)),
                ReplyRule(name).count(split, split.dialogue(d)))
          << format;
}

/// "your persona" is B's: what he says is learned, whoever begins.
TEST(ReplyRuleTest, RepliesOfConvai2AreOfWhomThePersonaIs) {
  const tests::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 40; ++i) {
    const auto n = std::to_string(i);
    text +=
        "1 your persona: i keep bees " + n + ".\n2 hi " + n + "\tho\n3 and you ?\tmine " + n + "\n";
    text += "1 your persona: i fly kites " + n + ".\n2 __SILENCE__\they " + n +
            "\n3 hello\tmine too " + n + "\n";
  }
  tests::write_file(folder / "talks.txt", text);
  PrepareRequest request;
  request.store = folder / "store";
  request.data.sources = {{(folder / "talks.txt").string(), "train", "auto"}};
  request.data.tokenizer.vocab_size = 330;
  request.quiet = true;
  prepare(request);
  const auto store = Store::open(request.store);
  const auto& split = store.split("train");
  const ReplyRule rule("auto", split.format());
  ASSERT_EQ(split.dialogues(), 80U);
  for (std::uint64_t d = 0; d < split.dialogues(); ++d) {
    const auto view = split.dialogue(d);
    EXPECT_EQ(rule.count(split, view), view.turns == 4 ? 2U : 1U);
    for (std::uint32_t turn = 1; turn < view.turns; ++turn)
      EXPECT_EQ(rule.is_reply(split, view, turn), split.record(d).turns[turn].speaker == "B");
    EXPECT_EQ(split.fact_speaker(view.first_fact),
              split.turn_speaker(view.first_turn + view.turns - 1));
  }
}

TEST(ReplyRuleTest, OtherNamesAreRefused) {
  for (const auto* name : {"", "left", "speaker:", "speaker:AB", "speaker:a", "right "})
    EXPECT_THROW(ReplyRule{name}, base::ConfigError) << name;
}

TEST(BatchOptionsTest, EveryKeyIsRead) {
  const auto config = configs::Config::parse(
      "shuffle: reply\ntokens_per_batch: 11\nmax_context_turns: 12\nmax_turn_tokens: 13\n"
      "max_reply_tokens: 14\nmax_context_tokens: 15\nmax_replies_per_part: 16\nwindow: 17\n"
      "reply_by: speaker:C\npersona: none\n",
      "test");
  auto section = config.root();
  const auto o = BatchOptions::from(section);
  EXPECT_EQ(o.shuffle, "reply");
  EXPECT_EQ(o.tokens_per_batch, 11);
  EXPECT_EQ(o.max_context_turns, 12);
  EXPECT_EQ(o.max_turn_tokens, 13);
  EXPECT_EQ(o.max_reply_tokens, 14);
  EXPECT_EQ(o.max_context_tokens, 15);
  EXPECT_EQ(o.max_replies_per_part, 16);
  EXPECT_EQ(o.window, 17);
  EXPECT_EQ(o.reply_by, "speaker:C");
  EXPECT_EQ(o.persona, "none");
}

TEST(BatchOptionsTest, BadValuesAndUnknownKeysAreRefused) {
  for (const auto* yaml :
       {"shuffle: all", "tokens_per_batch: 0", "max_context_turns: 0", "max_turn_tokens: -1",
        "max_reply_tokens: 0", "max_context_tokens: 0", "max_replies_per_part: 0", "window: 0",
        "window: 5000000000", "reply_by: left", "persona: maybe", "tokens: 4"}) {
    const auto config = configs::Config::parse(yaml, "test");
    auto section = config.root();
    EXPECT_THROW(BatchOptions::from(section), base::ConfigError) << yaml;
  }
}

TEST(BatchOptionsTest, AReplyCutAtItsLimitHasNoEosLabel) {
  const BatchOptions options{.max_reply_tokens = 5};
  EXPECT_EQ(training_labels(4, options), 5);
  EXPECT_EQ(training_labels(5, options), 6);
  EXPECT_EQ(training_labels(6, options), 5);
}

}  // namespace
}  // namespace banter::data
