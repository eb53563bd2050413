// What the commands say of corpora and stores that hold pairs.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/store/store.h"
#include "tests/data/command_output.h"
#include "tests/data/made_files.h"
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

}  // namespace
}  // namespace banter::tests
