#include "data/batches/part.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data/batches/dropped_dialogues.h"
#include "data/batches/example_order.h"
#include "data/batches/pair_order.h"
#include "data/preparation/prepare.h"
#include "tests/support/temporary_folder.h"

namespace banter::data {
namespace {

using Numbers = std::vector<std::uint64_t>;

constexpr int kTalks = 50;

/// A text that no other talk or place has.
std::string text_of(int talk, int turn) {
  return "turn " + std::to_string(turn) + " of talk " + std::to_string(talk);
}

/// Each talk from both sides, as ConvAI2's training file has it: dialogues 2k and 2k + 1.
std::string mirrored_talks() {
  std::string lines;
  for (int talk = 0; talk < kTalks; ++talk) {
    const auto said = [&](int turn) { return text_of(talk, turn); };
    lines += "1 your persona: i keep bees.\n2 " + said(1) + "\t" + said(2) + "\n3 " + said(3) +
             "\t" + said(4) + "\n";
    lines += "1 your persona: i fly kites.\n2 __SILENCE__\t" + said(1) + "\n3 " + said(2) + "\t" +
             said(3) + "\n";
  }
  return lines;
}

/// Pairs of talks 0 to 9 by the dialogues' ids "d0", ... and of two groups of dialogues; the last
/// five name nothing.
std::string some_pairs() {
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    const auto number = std::to_string(i);
    const auto group = i >= 55 ? "" : i >= 50 ? "both" : "d" + std::to_string(i % 10);
    lines += R"({"id": "p)" + number + R"(", "premise": "premise )" + number +
             R"(", "hypothesis": "so", "label": "entailment", "group": ")" + group + "\"}\n";
  }
  return lines;
}

/// Ten dialogues; d8 and d9 are of one group.
std::string some_dialogues() {
  std::string lines;
  for (int d = 0; d < 10; ++d)
    lines += R"({"id": "d)" + std::to_string(d) + "\", " +
             (d >= 8 ? R"("group": "both", )" : std::string()) +
             R"("turns": [{"speaker": "a", "text": ")" + text_of(d, 1) +
             R"("}, {"speaker": "b", "text": "yes"}]})" + "\n";
  return lines;
}

class PartTest : public testing::Test {
 protected:
  Store made(const std::vector<std::pair<std::string, std::string>>& files) {
    PrepareRequest request;
    request.store = folder_ / "store";
    request.quiet = true;
    request.data.tokenizer.vocab_size = 320;
    for (const auto& [name, text] : files) {
      std::ofstream(folder_ / name) << text;
      request.data.sources.push_back({(folder_ / name).string(), "train", "auto"});
    }
    prepare(request);
    return Store::open(request.store);
  }
  static Numbers numbers(const Subset& subset) {
    Numbers all;
    for (std::uint64_t i = 0; i < subset.size(); ++i) all.push_back(subset[i]);
    return all;
  }
  static Numbers part_of(const Split& split, double fraction, std::uint64_t seed = 1) {
    return numbers(dialogues_of(split, {.fraction = fraction, .seed = seed}));
  }

  tests::TemporaryFolder folder_;
};

TEST_F(PartTest, PartsAreNestedAndKeepBothSidesOfATalkTogether) {
  const auto store = made({{"train.txt", mirrored_talks()}});
  const auto& split = store.split("train");
  ASSERT_EQ(split.dialogues(), 2U * kTalks);
  auto larger = part_of(split, 1);
  EXPECT_EQ(larger.size(), 2U * kTalks);
  // 0.56 * 50 is a little more than 28 in doubles.
  for (const auto& [fraction, talks] : std::vector<std::pair<double, std::size_t>>{
           {0.56, 28}, {0.5, 25}, {0.26, 13}, {0.25, 13}, {0.125, 7}, {0.001, 1}}) {
    const auto part = part_of(split, fraction);
    EXPECT_EQ(part.size(), 2 * talks) << fraction;
    EXPECT_TRUE(std::ranges::is_sorted(part));
    EXPECT_TRUE(std::ranges::includes(larger, part)) << fraction;
    for (std::size_t i = 0; i < part.size(); i += 2) {
      EXPECT_EQ(part[i] % 2, 0U);
      EXPECT_EQ(part[i + 1], part[i] + 1) << "the other side";
    }
    larger = part;
  }
  EXPECT_NE(part_of(split, 0.5, 2), part_of(split, 0.5, 1));
  Numbers evens;  // no talk is chosen by its place
  for (const auto d : part_of(split, 0.5)) evens.push_back(d / 2);
  EXPECT_GT(evens[evens.size() - 2], 27U);
}

TEST_F(PartTest, APartIsTheSameWhateverElseLearnsFromIt) {
  const auto store = made({{"train.txt", mirrored_talks()}});
  const auto& split = store.split("train");
  const auto part = part_of(split, 0.25);
  for (const auto* shuffle : {"dialogue", "reply"})
    for (const std::uint64_t seed : {1U, 2U}) {
      const BatchOptions options{.shuffle = shuffle, .tokens_per_batch = 60, .window = 2};
      const ExampleOrder order(split, dialogues_of(split, {.fraction = 0.25}), options, seed);
      EXPECT_EQ(order.dialogues(), part.size());
      std::set<std::uint64_t> dialogues;
      std::uint64_t replies = 0;
      for (std::uint64_t w = 0; w < order.windows(); ++w)
        for (const auto& batch : order.window(3, w))
          for (const auto& example : batch) {
            dialogues.insert(example.dialogue);
            ++replies;
          }
      EXPECT_EQ(Numbers(dialogues.begin(), dialogues.end()), part);
      EXPECT_EQ(replies, order.replies());
      EXPECT_EQ(replies, part.size() / 2 * (2 + 1)) << "every second turn of four and of three";
    }
}

TEST_F(PartTest, PairsAreTakenByTheirGroups) {
  const auto store = made({{"pairs.jsonl", some_pairs()}, {"talks.jsonl", some_dialogues()}});
  const auto& split = store.split("train");
  const auto all = chosen_pairs(split, PairChoice::kDecided);
  ASSERT_EQ(all.size(), 60U);
  EXPECT_EQ(pairs_of(split, all, {}), all);
  const auto half = pairs_of(split, all, {.fraction = 0.5});
  std::map<std::string, int> groups;
  for (const auto pair : half) ++groups[split.pair_record(pair).group];
  std::size_t alone = 0;
  for (const auto& [group, count] : groups) {
    EXPECT_TRUE(group.empty() || count == 5) << group << ": whole groups";
    alone += group.empty() ? static_cast<std::size_t>(count) : 0;
  }
  // Eleven groups and five pairs without one: 16, of which 8 are taken.
  EXPECT_EQ(groups.size() - (alone > 0 ? 1 : 0) + alone, 8U);
  const auto quarter = pairs_of(split, all, {.fraction = 0.25});
  EXPECT_TRUE(std::ranges::includes(half, quarter));
}

TEST_F(PartTest, PairsWithoutAGroupGoByTheirPremise) {
  std::string lines;
  for (int i = 0; i < 60; ++i)
    lines += R"({"id": "p)" + std::to_string(i) + R"(", "premise": "premise )" +
             std::to_string(i % 20) + R"(", "hypothesis": "so", "label": "entailment"})" + "\n";
  const auto store = made({{"pairs.jsonl", lines}});
  const auto& split = store.split("train");
  const auto quarter =
      pairs_of(split, chosen_pairs(split, PairChoice::kDecided), {.fraction = 0.25});
  EXPECT_EQ(quarter.size(), 15U);
  std::map<std::string, int> premises;
  for (const auto pair : quarter) ++premises[split.pair_record(pair).premise];
  for (const auto& [premise, count] : premises) EXPECT_EQ(count, 3) << premise;
}

TEST_F(PartTest, PairsAreMadeFromTheDialogueThatTheirGroupNames) {
  const auto store = made({{"pairs.jsonl", some_pairs()}, {"talks.jsonl", some_dialogues()}});
  const auto& split = store.split("train");
  bool both_ways = false;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    DroppedDialogues dropped;
    dropped.add(split, {.fraction = 0.5, .seed = seed});
    std::set<std::string> kept = {""};  // what names nothing, and has no text of theirs, stays
    for (const auto d : part_of(split, 0.5, seed)) {
      const auto record = split.record(d);
      kept.insert({record.id, record.group});
    }
    std::uint64_t made = 0;
    for (std::uint64_t p = 0; p < split.pairs(); ++p) {
      const auto pair = split.pair_record(p);
      EXPECT_EQ(dropped.made(pair), !kept.contains(pair.group)) << pair.id << " " << pair.group;
      made += dropped.made(pair) ? 1 : 0;
    }
    EXPECT_GT(made, 0U);
    EXPECT_LT(made, split.pairs());
    EXPECT_EQ(kept.contains("d8"), kept.contains("d9"));
    both_ways = both_ways || kept.contains("both");
  }
  EXPECT_TRUE(both_ways) << "some part has the group";
}

TEST_F(PartTest, PairsThatNameNoDialogueAreMadeFromTheOnesThatSayTheirSentences) {
  const auto store = made({{"talks.txt", mirrored_talks()}});
  const auto& split = store.split("train");
  DroppedDialogues dropped;
  dropped.add(split, {.fraction = 0.5});
  std::set<int> kept;
  for (const auto d : part_of(split, 0.5)) kept.insert(static_cast<int>(d / 2));
  const auto made = [&](const std::string& premise, const std::string& hypothesis) {
    return dropped.made({.id = "p",
                         .premise = premise,
                         .hypothesis = hypothesis,
                         .label = Label::kEntailment,
                         .source = "",
                         .group = "names nothing"});
  };
  for (int talk = 0; talk < kTalks; ++talk) {
    const bool is_dropped = !kept.contains(talk);
    EXPECT_EQ(made(text_of(talk, 2), "it rains"), is_dropped);
    EXPECT_EQ(made("it rains", text_of(talk, 2)), is_dropped);
    EXPECT_EQ(made("TURN 2: of talk " + std::to_string(talk) + " !", "so"), is_dropped)
        << "by letters and digits";
    EXPECT_EQ(made(text_of(talk, 2), "i keep bees."), is_dropped) << "a fact of kept ones, too";
  }
  EXPECT_FALSE(made("i keep bees.", "i fly kites."));
  EXPECT_FALSE(made("...", "?")) << "no letter, no sentence";
}

TEST_F(PartTest, AFactOfDroppedDialoguesAloneIsTheirs) {
  std::string talks;
  for (int talk = 0; talk < kTalks; ++talk)
    talks += "1 your persona: i am number " + std::to_string(talk) + ".\n2 " + text_of(talk, 1) +
             "\thello\n";
  const auto store = made({{"talks.txt", talks}});
  const auto& split = store.split("train");
  DroppedDialogues dropped;
  dropped.add(split, {.fraction = 0.25});
  std::size_t made = 0;
  for (int talk = 0; talk < kTalks; ++talk)
    made += dropped.made({.id = "p",
                          .premise = "i am number " + std::to_string(talk) + ".",
                          .hypothesis = "hello",
                          .label = Label::kContradiction,
                          .source = "",
                          .group = ""});
  EXPECT_EQ(part_of(split, 0.25).size(), 13U);
  EXPECT_EQ(made, kTalks - 13U);
}

}  // namespace
}  // namespace banter::data
