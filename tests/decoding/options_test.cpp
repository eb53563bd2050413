#include "models/decoding/options.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace banter::models {
namespace {

DecodingOptions read(const std::string& yaml) {
  const auto config = configs::Config::parse("decoding: {" + yaml + "}", "test.yaml");
  auto section = config.root().section("decoding");
  return DecodingOptions::from(section);
}

TEST(DecodingOptionsTest, ReadsEveryField) {
  const auto o = read(
      "method: beam, beam_size: 6, length_penalty: 0.5, temperature: 0.7, top_k: 40, top_p: 0.9, "
      "min_new_tokens: 3, max_new_tokens: 30, no_repeat_ngram_size: 2, seed: 9, replies: 4, "
      "beam_groups: 3, diversity_penalty: 0.8, typical_p: 0.2, repetition_penalty: 1.2, "
      "context_no_repeat_ngram_size: 5, block: [damn it, heck], stop: [\"\\n\"], "
      "rerank: consistency, rerank_margin: 0.25");
  EXPECT_EQ(o.method, "beam");
  EXPECT_EQ(o.beam_size, 6);
  EXPECT_EQ(o.length_penalty, 0.5);
  EXPECT_EQ(o.temperature, 0.7);
  EXPECT_EQ(o.top_k, 40);
  EXPECT_EQ(o.top_p, 0.9);
  EXPECT_EQ(o.min_new_tokens, 3);
  EXPECT_EQ(o.max_new_tokens, 30);
  EXPECT_EQ(o.no_repeat_ngram_size, 2);
  EXPECT_EQ(o.seed, 9U);
  EXPECT_EQ(o.replies, 4);
  EXPECT_EQ(o.beam_groups, 3);
  EXPECT_EQ(o.diversity_penalty, 0.8);
  EXPECT_EQ(o.typical_p, 0.2);
  EXPECT_EQ(o.repetition_penalty, 1.2);
  EXPECT_EQ(o.context_no_repeat_ngram_size, 5);
  EXPECT_EQ(o.block, (std::vector<std::string>{"damn it", "heck"}));
  EXPECT_EQ(o.stop, std::vector<std::string>{"\n"});
  EXPECT_EQ(o.rerank, "consistency");
  EXPECT_EQ(o.rerank_margin, 0.25);
}

TEST(DecodingOptionsTest, NamesTheKeyOfABadValue) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"method: best", "method"},
      {"beam_size: 0", "beam_size"},
      {"method: beam, beam_size: 1000000000000", "beam_size"},
      {"length_penalty: -1", "length_penalty"},
      {"temperature: 0", "temperature"},
      {"top_k: -1", "top_k"},
      {"top_p: 0", "top_p"},
      {"top_p: 1.1", "top_p"},
      {"max_new_tokens: 0", "max_new_tokens"},
      {"max_new_tokens: 1000000000000", "max_new_tokens"},
      {"min_new_tokens: 9, max_new_tokens: 8", "min_new_tokens"},
      {"no_repeat_ngram_size: -1", "no_repeat_ngram_size"},
      {"seed: -1", "seed"},
      {"replies: 0", "replies"},
      {"replies: 2", "replies"},
      {"method: sample, replies: 1000000000000", "replies"},
      {"method: beam, beam_size: 2, replies: 3", "replies"},
      {"beam_groups: 0", "beam_groups"},
      {"beam_size: 4, beam_groups: 3", "beam_groups"},
      {"diversity_penalty: -1", "diversity_penalty"},
      {"diversity_penalty: 1001", "diversity_penalty"},
      {"typical_p: 0", "typical_p"},
      {"typical_p: 1.1", "typical_p"},
      {"repetition_penalty: 0", "repetition_penalty"},
      {"repetition_penalty: 1000", "repetition_penalty"},
      {"context_no_repeat_ngram_size: -1", "context_no_repeat_ngram_size"},
      {"block: [a, \"  \"]", "block"},
      {"block: a", "block"},
      {"stop: [\"\"]", "stop"},
      {"rerank: luck", "rerank"},
      {"method: sample, rerank: consistency", "replies"},
      {"rerank_margin: -0.1", "rerank_margin"},
      {"beam_sise: 3", "beam_sise"},
  };
  for (const auto& [yaml, key] : cases) {
    try {
      read(yaml);
      ADD_FAILURE() << yaml << " was accepted";
    } catch (const configs::ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find("decoding." + key), std::string::npos)
          << error.what();
    }
  }
}

TEST(DecodingOptionsTest, TellsAnOptionThatItsMethodDoesNotRead) {
  const DecodingOptions greedy, beam{.method = "beam"}, sample{.method = "sample"};
  for (const char* key : {"temperature", "top_k", "top_p", "typical_p"}) {
    EXPECT_FALSE(greedy.reads(key)) << key;
    EXPECT_FALSE(beam.reads(key)) << key;
    EXPECT_TRUE(sample.reads(key)) << key;
  }
  for (const char* key : {"beam_size", "beam_groups", "diversity_penalty"}) {
    EXPECT_FALSE(greedy.reads(key)) << key;
    EXPECT_FALSE(sample.reads(key)) << key;
    EXPECT_TRUE(beam.reads(key)) << key;
  }
  EXPECT_FALSE(greedy.reads("rerank"));
  EXPECT_TRUE(sample.reads("rerank"));
  EXPECT_FALSE(sample.reads("rerank_margin"));
  EXPECT_TRUE(
      (DecodingOptions{.method = "sample", .rerank = "consistency"}.reads("rerank_margin")));
  for (const char* key : {"method", "length_penalty", "max_new_tokens", "replies",
                          "repetition_penalty", "block", "stop", "seed"})
    EXPECT_TRUE(greedy.reads(key)) << key;
}

TEST(DecodingOptionsTest, ValidatesWhatCameFromFlags) {
  EXPECT_NO_THROW(DecodingOptions{}.validate());
  EXPECT_THROW(DecodingOptions{.method = "best"}.validate(), configs::ConfigError);
  EXPECT_THROW(DecodingOptions{.top_p = 0}.validate(), configs::ConfigError);
  EXPECT_THROW(DecodingOptions{.replies = 2}.validate(), configs::ConfigError);
}

}  // namespace
}  // namespace banter::models
