// What the commands say of corpora and stores that hold pairs.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/store/store.h"
#include "tests/data/command_output.h"
#include "tests/data/made_files.h"
#include "tests/support/corpora.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using Object = base::json::object;

std::string pair_line(const std::string& id, const std::string& premise,
                      const std::string& hypothesis, const std::string& label = "neutral") {
  return base::json::serialize(Object{
             {"id", id}, {"premise", premise}, {"hypothesis", hypothesis}, {"label", label}}) +
         "\n";
}

class PairReportsTest : public testing::Test {
 protected:
  std::string made(const std::string& name, const std::string& lines) {
    write_file(folder_ / name, lines);
    return (folder_ / name).string();
  }
  /// Makes a store of sources. Returns   what `prepare` says
  std::string prepare(const std::vector<std::string>& paths,
                      const std::vector<std::string>& arguments = {}) {
    std::string sources;
    for (const auto& path : paths) sources += "    - {path: " + path + ", split: train}\n";
    std::vector<std::string> all = {
        made("recipe.yaml", "store: " + store() + "\ndata:\n  sources:\n" + sources +
                                "  tokenizer: {vocab_size: 300}\n"),
        "--quiet"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return output_of(data::run_prepare, all);
  }
  [[nodiscard]] std::string store() const { return (folder_ / "store").string(); }
  [[nodiscard]] std::uint64_t tokens_of(const std::string& text) const {
    return data::Store::open(store()).tokenizer().encode(text).size();
  }
  TemporaryFolder folder_;
};

TEST_F(PairReportsTest, PrepareTellsOfPairs) {
  const auto pairs = made("pairs", pair_line("1", "a cat", "a dog") + pair_line("2", "b", "c d"));
  const auto text = prepare({pairs});
  const auto tokens = tokens_of("a cat") + tokens_of("a dog") + tokens_of("b") + tokens_of("c d");
  EXPECT_NE(text.find("  train: 2 pairs, " + std::to_string(tokens) + " tokens\n"),
            std::string::npos)
      << text;
  const auto o = base::parse_json(prepare({pairs}, {"--json"}), "prepare");
  const auto& train = o.at("splits").at("train");
  EXPECT_EQ(train.at("dialogues"), 0);
  EXPECT_EQ(train.at("pairs"), 2);
  EXPECT_EQ(train.at("pair_tokens"), tokens);
}

TEST_F(PairReportsTest, PrepareTellsOfDialoguesAndPairsInOneSplit) {
  const auto text = prepare(
      {made("pairs", pair_line("1", "a", "b")), made("talk", json_line("x", {"hello", "you"}))});
  const auto talk = std::to_string(tokens_of("hello") + tokens_of("you"));
  const auto pair = std::to_string(tokens_of("a") + tokens_of("b"));
  EXPECT_NE(text.find("  train: 1 dialogues, 2 turns, " + talk + " tokens; 1 pairs, " + pair +
                      " tokens\n"),
            std::string::npos)
      << text;
}

TEST_F(PairReportsTest, InspectTellsWhatATokenizerMakesOfPairs) {
  (void)prepare({made("pairs", pair_line("1", "a cat", "a dog") + pair_line("2", "b", "c d e"))});
  const auto split = inspect_json(store()).at("splits").at(0);
  const auto& found = split.at("tokenizer");
  const auto tokens = tokens_of("a cat") + tokens_of("a dog") + tokens_of("b") + tokens_of("c d e");
  EXPECT_EQ(found.at("tokens"), tokens);
  EXPECT_DOUBLE_EQ(found.at("tokens_a_word").as_double(), static_cast<double>(tokens) / 8);
  EXPECT_GT(found.at("vocab_used").to_number<int>(), 5);
  std::int64_t sentences = 0;
  for (const auto& row : found.at("tokens_a_sentence").as_array())
    sentences += row.at("count").to_number<std::int64_t>();
  EXPECT_EQ(sentences, 4);

  const auto text = output_of(data::run_inspect, {store(), "--quiet"});
  EXPECT_NE(text.find("tokens a sentence: mean"), std::string::npos) << text;
  EXPECT_EQ(text.find("tokens a turn"), std::string::npos) << text;
  EXPECT_EQ(text.find("dialogues"), std::string::npos) << text;
}

TEST_F(PairReportsTest, AStoreOfDialoguesSaysNothingOfSentences) {
  (void)prepare({made("talk", json_line("x", {"hello", "you"}))});
  const auto split = inspect_json(store()).at("splits").at(0);
  EXPECT_FALSE(split.at("tokenizer").as_object().contains("tokens_a_sentence"));
  const auto text = output_of(data::run_inspect, {store(), "--quiet"});
  EXPECT_EQ(text.find("sentence"), std::string::npos) << text;
}

std::vector<std::int64_t> numbers(const base::json::value& overlap, const char* key) {
  std::vector<std::int64_t> all;
  for (const char* name : {"all", "shared", "distinct", "distinct_shared"})
    all.push_back(overlap.at(key).at(name).to_number<std::int64_t>());
  return all;
}
using Numbers = std::vector<std::int64_t>;

TEST_F(PairReportsTest, OverlapCountsWhatPairsShare) {
  const auto one = made("one", pair_line("1", "a cat", "a dog") + pair_line("2", "b", "c") +
                                   pair_line("3", "a", "cat a dog"));
  const auto other =
      made("other", pair_line("9", "a cat", "a dog", "entailment") +
                        pair_line("8", "a cat", "a dog") + pair_line("2", "b", "a dog") +
                        pair_line("7", "c", "b") + pair_line("6", "a cat a", "dog"));
  const auto overlap = inspect_all({one, other}).back();
  EXPECT_EQ(overlap.at("kind"), "overlap");
  const auto& pairs = overlap.at("pairs");
  EXPECT_EQ(numbers(pairs, "pairs"), (Numbers{5, 2, 4, 1}));
  EXPECT_EQ(numbers(pairs, "premises"), (Numbers{5, 3, 4, 2}));
  EXPECT_EQ(numbers(pairs, "hypotheses"), (Numbers{5, 3, 3, 1}));
  EXPECT_EQ(numbers(pairs, "ids"), (Numbers{5, 1, 5, 1}));

  const auto text = output_of(data::run_inspect, {one, other, "--quiet"});
  EXPECT_NE(text.find("  premises                                  5            3      60.00 %"
                      "            4            2\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("near-duplicates"), std::string::npos) << text;
}

TEST_F(PairReportsTest, OverlapOfDialoguesSaysNothingOfPairs) {
  const auto pairs = made("pairs", pair_line("1", "a", "b"));
  const auto talk = made("talk", json_line("x", {"hello", "you"}));
  for (const auto& paths : {std::vector{pairs, talk}, {talk, pairs}, {talk, talk}}) {
    EXPECT_FALSE(inspect_all(paths).back().contains("pairs"));
    const auto text = output_of(data::run_inspect, {paths[0], paths[1], "--quiet"});
    EXPECT_NE(text.find("  ids       "), std::string::npos) << text;
    EXPECT_EQ(text.find("ids of pairs"), std::string::npos) << text;
  }
}

TEST_F(PairReportsTest, SplitsThatHoldBothAreComparedByBoth) {
  const auto paths = {made("pairs", pair_line("1", "a", "b")),
                      made("talk", json_line("x", {"hello", "you"}))};
  (void)prepare(paths);
  const auto store_of_both = store();
  const auto overlap = inspect_all({store_of_both, store_of_both}).back();
  EXPECT_EQ(numbers(overlap, "dialogues"), (Numbers{1, 1, 1, 1}));
  EXPECT_EQ(numbers(overlap.at("pairs"), "pairs"), (Numbers{1, 1, 1, 1}));
  const auto text = output_of(data::run_inspect, {store_of_both, store_of_both, "--quiet"});
  EXPECT_NE(text.find("ids of pairs"), std::string::npos) << text;
  EXPECT_NE(text.find("near-duplicates"), std::string::npos) << text;
}

TEST(PairOverlapCorporaTest, IsWhatAPlainCountFinds) {
  std::vector<std::string> paths;
  for (const char* name :
       {"native/dnli/dialogue_nli_train.jsonl.gz", "native/dnli/dialogue_nli_dev.jsonl.gz"}) {
    if (const auto why = missing_corpus(name); !why.empty()) GTEST_SKIP() << why;
    paths.push_back(corpora() / name);
  }
  const auto found = inspect_all(paths).back().at("pairs");
  EXPECT_EQ(numbers(found, "pairs"), (Numbers{9536, 2, 9536, 2}));
  EXPECT_EQ(numbers(found, "premises"), (Numbers{9536, 176, 4325, 40}));
  EXPECT_EQ(numbers(found, "hypotheses"), (Numbers{9536, 316, 493, 14}));
  EXPECT_EQ(numbers(found, "ids"), (Numbers{9536, 0, 9536, 0}));
}

}  // namespace
}  // namespace banter::tests
