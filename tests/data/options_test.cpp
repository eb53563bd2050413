#include "data/options.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace banter::tests {
namespace {

data::DataOptions read(const std::string& yaml) {
  const auto config = configs::Config::parse(yaml, "recipe.yaml");
  auto section = config.root();
  return data::DataOptions::from(section);
}

const std::string kSources = "sources: [{path: a.tgz}]\n";

TEST(DataOptionsTest, ReadsEveryKey) {
  const auto o = read(
      "sources:\n  - {path: a.tgz, split: train, format: ubuntu_v1}\n  - path: b.jsonl\n"
      "valid_share: 0.25\nseed: 7\nmerge_consecutive: true\nmin_turns: 4\nlower_case: true\n"
      "max_line_bytes: 1000\nmax_turns: 50\nmax_json_depth: 20\nmax_pause: 3.5\nmax_skipped: 3\n"
      "tokenizer: {type: bpe, vocab_size: 500, character_coverage: 0.99, sample_bytes: 2000,"
      " seed: 9}\n");
  ASSERT_EQ(o.sources.size(), 2U);
  EXPECT_EQ(o.sources[0].path, "a.tgz");
  EXPECT_EQ(o.sources[0].split, "train");
  EXPECT_EQ(o.sources[0].format, "ubuntu_v1");
  EXPECT_EQ(o.sources[1].split, "auto");
  EXPECT_EQ(o.valid_share, 0.25);
  EXPECT_EQ(o.seed, 7U);
  EXPECT_TRUE(o.cleaning.merge_consecutive);
  EXPECT_EQ(o.cleaning.min_turns, 4);
  EXPECT_TRUE(o.cleaning.lower_case);
  EXPECT_EQ(o.limits.max_line_bytes, 1000);
  EXPECT_EQ(o.limits.max_turns, 50);
  EXPECT_EQ(o.limits.max_depth, 20);
  EXPECT_EQ(o.limits.max_pause, 3.5);
  EXPECT_EQ(o.max_skipped, 3);
  EXPECT_EQ(o.tokenizer.type, "bpe");
  EXPECT_EQ(o.tokenizer.vocab_size, 500);
  EXPECT_EQ(o.tokenizer.character_coverage, 0.99);
  EXPECT_EQ(o.tokenizer.sample_bytes, 2000);
  EXPECT_EQ(o.tokenizer.seed, 9U);
}

TEST(DataOptionsTest, RefusesWhatIsOutOfRangeOrUnknown) {
  for (const char* line :
       {"valid_share: 1", "valid_share: -0.1", "seed: -1", "min_turns: 1", "max_line_bytes: 0",
        "max_turns: 1", "max_turns: 70000", "max_json_depth: 3", "max_pause: 0", "max_skipped: -1",
        "typo: 1", "tokenizer: {type: wordpiece}", "tokenizer: {vocab_size: 100}",
        "tokenizer: {character_coverage: 0.5}", "tokenizer: {sample_bytes: 1}",
        "tokenizer: {seed: -1}", "tokenizer: {typo: 1}"})
    EXPECT_THROW(read(kSources + line + "\n"), base::ConfigError) << line;
  for (const char* text :
       {"seed: 1\n", "sources: []\n", "sources: [{split: train}]\n",
        "sources: [{path: a, split: test}]\n", "sources: [{path: a, format: docx}]\n",
        "sources: [{path: a, typo: 1}]\n", "sources: [{path: \"\"}]\n"})
    EXPECT_THROW(read(text), base::ConfigError) << text;
}

TEST(SplitOfTest, IsAPureFunctionNearItsShare) {
  int valid = 0;
  int moved = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto id = "d" + std::to_string(i);
    const auto split = data::split_of(id, 1, 0.1);
    EXPECT_EQ(split, data::split_of(id, 1, 0.1));
    if (split == "valid") ++valid;
    if (split != data::split_of(id, 2, 0.1)) ++moved;
    if (split == "valid") {
      EXPECT_EQ(data::split_of(id, 1, 0.2), "valid");  // shares are nested
    }
    EXPECT_EQ(data::split_of(id, 1, 0.0), "train");
  }
  EXPECT_NEAR(valid, 1000, 120);
  EXPECT_NEAR(moved, 1800, 200);
}

}  // namespace
}  // namespace banter::tests
