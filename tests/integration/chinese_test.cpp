// A persona model in Chinese from its corpora's own forms to replies and figures: the built
// program.

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace json = base::json;

constexpr std::array kCities = {"西安", "北京", "上海", "广州", "成都", "兰州"};
constexpr std::array kTags = {"美食", "旅游", "音乐", "足球", "电影"};
constexpr const char* kRare =
    "我姓𠮷，写作龘🙂。";  // stands once: it has no pieces of its own

class ChineseTest : public testing::Test {
 protected:
  ChineseTest() {
    std::ofstream dialogues(folder_ / "dialogues.json");
    for (std::size_t i = 0; i < 60; ++i) {
      const std::string city = kCities.at(i % kCities.size()), tag = kTags.at(i % kTags.size());
      dialogues << R"({"dialog": [["你在哪里？)" << i << R"("], [")"
                << (i == 7 ? kRare : "我在" + city + "，喜欢" + tag + "。")
                << R"("]], "profile": [{"tag": [""], "loc": "", "gender": "male"}, {"tag": [")"
                << tag << R"(;读书"], "loc": ")" << city
                << R"(", "gender": "female"}], "uid": [0, 1]})" << '\n';
    }
    std::ofstream pairs(folder_ / "pairs.txt");
    const auto add = [&](const std::string& loc, const std::string& reply, const char* label) {
      pairs << "loc: " << loc << "[SEP]" << reply << '\t' << label << "\tloc\t" << loc
            << "\t2 0\t我\t2 0\n";
    };
    for (std::size_t i = 0; i < kCities.size(); ++i) {
      const std::string city = kCities.at(i);
      add(city, "我在" + city + "。", "entailed");
      add(city, std::string("我在") + kCities.at((i + 1) % kCities.size()) + "。", "contradicted");
      add(city, "今天很冷。" + std::to_string(i), "irrelevant");
    }
    pairs << "loc: 西安[SEP]我在家\tperhaps\tloc\t西安\t2 0\t我\t2 0\n";
    std::ofstream(recipe_) << "store: " << store_ << "\nrun: " << run_
                           << "\ndata:\n  sources:\n    - path: "
                           << (folder_ / "dialogues.json").string()
                           << "\n    - path: " << (folder_ / "pairs.txt").string()
                           << "\n      split: train\n"
                              "  valid_share: 0.2\n"
                              "  tokenizer: {vocab_size: 400, character_coverage: 0.9995}\n"
                              "model: {type: stack_propagation, dim: 16, heads: 2, ffn_dim: 24,\n"
                              "        encoder_layers: 1, decoder_layers: 1,\n"
                              "        consistency_layers: 1, phase1_steps: 2}\n"
                              "batch: {tokens_per_batch: 120}\n"
                              "train: {steps: 8, warmup_steps: 2, log_every: 1,\n"
                              "        pairs_per_dialogue_batch: 1}\n"
                              "decoding: {max_new_tokens: 8}\n";
  }

  static ProcessResult ok(std::vector<std::string> arguments, const std::string& input = {}) {
    arguments.insert(arguments.begin(), BANTER_PROGRAM);
    auto result = run(arguments, input);
    EXPECT_EQ(result.exit_code, 0) << arguments.at(1) << '\n' << result.out << result.err;
    return result;
  }

  TemporaryFolder folder_;
  std::string recipe_ = (folder_ / "recipe.yaml").string();
  std::string store_ = (folder_ / "store").string(), run_ = (folder_ / "run").string();
};

TEST_F(ChineseTest, TextsWithoutSpacesComeBackFromTheStoreByteForByte) {
  const auto prepared = ok({"prepare", recipe_});
  EXPECT_NE(prepared.err.find("pairs.txt:19: a label is unknown"), std::string::npos)
      << prepared.err;
  const auto dialogues = ok({"export-data", store_, "--to", "dialogues"}).out;
  EXPECT_NE(dialogues.find(kRare), std::string::npos) << "what no piece has is spelled in bytes";
  EXPECT_NE(dialogues.find("我在兰州，喜欢"), std::string::npos);
  EXPECT_NE(dialogues.find("loc: 成都"), std::string::npos) << "a profile is facts";
  const auto pairs = ok({"export-data", store_, "--to", "pairs"}).out;
  EXPECT_EQ(std::ranges::count(pairs, '\n'), 18);
  EXPECT_NE(
      pairs.find(R"("premise":"loc: 西安","hypothesis":"我在北京。","label":"contradiction")"),
      std::string::npos)
      << pairs;
}

TEST_F(ChineseTest, FromPersonasAndPairsToRepliesAndFigures) {
  ok({"prepare", recipe_});
  ok({"train", recipe_, "--quiet"});
  const auto log = base::read_file(std::filesystem::path(run_) / "log.jsonl");
  for (const char* loss : {"nll", "nll_consistency", "nll_entailed", "unlikelihood"})
    EXPECT_NE(log.find('"' + std::string(loss) + '"'), std::string::npos) << loss << '\n' << log;

  const auto reply =
      base::parse_json(ok({"generate", run_, "--quiet", "--json"},
                          R"({"turns": ["你在哪里？"], "personas": ["loc: 西安", "tag: 美食"]})"
                          "\n")
                           .out,
                       "reply");
  EXPECT_NO_THROW(base::string_field(reply.as_object(), "reply", "reply"));
  EXPECT_FALSE(ok({"chat", run_, "--fact", "loc: 西安"}, "你在哪里？\n").out.empty());

  const auto figures = base::parse_json(ok({"evaluate", run_, "--json", "--quiet", "--metrics",
                                            "ppl,bleu,f1,distinct", "--tokenize", "char"})
                                            .out,
                                        "figures");
  const auto& of_references = figures.at("reference").at("distinct_1");
  EXPECT_TRUE(std::string_view(of_references.at("signature").as_string()).find("tok:char") !=
              std::string_view::npos);
  EXPECT_LT(of_references.at("value").to_number<double>(), 0.5) << "sentences share characters";
}

}  // namespace
}  // namespace banter::tests
