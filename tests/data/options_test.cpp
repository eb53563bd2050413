#include "data/options.h"

#include <string>
#include <utility>
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
      "  - {path: c.jsonl, split: test}\n"
      "valid_share: 0.25\nseed: 7\nsplit_by: meta:chain\n"
      "cleaning:\n  blocked: [a+b, 'c\\.d']\n  normalization: nfkc\n  drop_captions: true\n"
      "  drop_dashes: true\n  drop_names: true\n  drop_music: true\n  lower_case: true\n"
      "  expand_contractions: true\n"
      "  merge_consecutive: true\n  min_turn_words: 2\n  max_turn_words: 20\n"
      "  min_turn_characters: 3\n  max_turn_characters: 300\n  min_turns: 4\n  max_turns: 40\n"
      "  scripts: [Latin, Grek]\n  script_share: 0.75\n  duplicates: normalised\n"
      "transforms: [{name: drop_turns, share: 0.2, seed: 3}, {name: reverse_turns}]\n"
      "max_line_bytes: 1000\nmax_turns: 50\nmax_json_depth: 20\nmax_pause: 3.5\nmax_skipped: 3\n"
      "tokenizer: {type: bpe, vocab_size: 500, character_coverage: 0.99, sample_bytes: 2000,"
      " seed: 9}\n");
  ASSERT_EQ(o.sources.size(), 3U);
  EXPECT_EQ(o.sources[0].path, "a.tgz");
  EXPECT_EQ(o.sources[0].split, "train");
  EXPECT_EQ(o.sources[0].format, "ubuntu_v1");
  EXPECT_EQ(o.sources[1].split, "auto");
  EXPECT_EQ(o.sources[2].split, "test");
  EXPECT_EQ(o.valid_share, 0.25);
  EXPECT_EQ(o.seed, 7U);
  EXPECT_EQ(o.split_by, "meta:chain");
  EXPECT_EQ(o.cleaning.blocked, (std::vector<std::string>{"a+b", "c\\.d"}));
  EXPECT_EQ(o.cleaning.normalization, "nfkc");
  EXPECT_TRUE(o.cleaning.drop_captions);
  EXPECT_TRUE(o.cleaning.drop_dashes);
  EXPECT_TRUE(o.cleaning.drop_names);
  EXPECT_TRUE(o.cleaning.drop_music);
  EXPECT_TRUE(o.cleaning.lower_case);
  EXPECT_TRUE(o.cleaning.expand_contractions);
  EXPECT_TRUE(o.cleaning.merge_consecutive);
  EXPECT_EQ(o.cleaning.min_turn_words, 2);
  EXPECT_EQ(o.cleaning.max_turn_words, 20);
  EXPECT_EQ(o.cleaning.min_turn_characters, 3);
  EXPECT_EQ(o.cleaning.max_turn_characters, 300);
  EXPECT_EQ(o.cleaning.min_turns, 4);
  EXPECT_EQ(o.cleaning.max_turns, 40);
  EXPECT_EQ(o.cleaning.scripts, (std::vector<std::string>{"Latin", "Grek"}));
  EXPECT_EQ(o.cleaning.script_share, 0.75);
  EXPECT_EQ(o.cleaning.duplicates, "normalised");
  ASSERT_EQ(o.transforms.size(), 2U);
  EXPECT_EQ(o.transforms[0].name, "drop_turns");
  EXPECT_EQ(o.transforms[0].share, 0.2);
  EXPECT_EQ(o.transforms[0].seed, 3U);
  EXPECT_EQ(o.transforms[1].name, "reverse_turns");
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
  for (const char* line : {"valid_share: 1",
                           "valid_share: -0.1",
                           "seed: -1",
                           "max_line_bytes: 0",
                           "split_by: group",
                           "split_by: \"meta:\"",
                           "transforms: [{}]",
                           "transforms: [{name: drop_turns, typo: 1}]",
                           "cleaning: {min_turns: 1}",
                           "cleaning: {min_turns: 4, max_turns: 3}",
                           "cleaning: {min_turn_words: -1}",
                           "cleaning: {min_turn_words: 3, max_turn_words: 2}",
                           "cleaning: {max_turn_words: -1}",
                           "cleaning: {min_turn_characters: -1}",
                           "cleaning: {min_turn_characters: 3, max_turn_characters: 2}",
                           "cleaning: {normalization: nfc}",
                           "cleaning: {duplicates: drop}",
                           "cleaning: {script_share: 0}",
                           "cleaning: {script_share: 1.1}",
                           "cleaning: {typo: 1}",
                           "max_turns: 1",
                           "max_turns: 70000",
                           "max_json_depth: 3",
                           "max_pause: 0",
                           "checkpoint_records: 0",
                           "max_skipped: -1",
                           "typo: 1",
                           "tokenizer: {type: wordpiece}",
                           "tokenizer: {vocab_size: 100}",
                           "tokenizer: {character_coverage: 0.5}",
                           "tokenizer: {sample_bytes: 1}",
                           "tokenizer: {seed: -1}",
                           "tokenizer: {typo: 1}"})
    EXPECT_THROW(read(kSources + line + "\n"), base::ConfigError) << line;
  for (const char* text :
       {"seed: 1\n", "sources: []\n", "sources: [{split: train}]\n",
        "sources: [{path: a, split: dev}]\n", "sources: [{path: a, format: docx}]\n",
        "sources: [{path: a, typo: 1}]\n", "sources: [{path: \"\"}]\n"})
    EXPECT_THROW(read(text), base::ConfigError) << text;
}

/// What is said against a line of a recipe.
std::string complaint(const std::string& line) {
  try {
    (void)read(kSources + line + "\n");
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(DataOptionsTest, KeysOfCleaningStandInTheirSection) {
  for (const char* line : {"merge_consecutive: true", "min_turns: 3", "lower_case: true"})
    EXPECT_NE(complaint(line).find(": unknown key"), std::string::npos) << complaint(line);
}

TEST(DataOptionsTest, ABadPatternOrScriptIsNamed) {
  EXPECT_EQ(complaint("cleaning: {blocked: [ok, 'a(b']}"),
            "recipe.yaml:2: cleaning.blocked: the pattern \"a(b\" is none: missing ): a(b");
  EXPECT_EQ(complaint("cleaning: {blocked: ['(a)\\1']}"),
            "recipe.yaml:2: cleaning.blocked: the pattern \"(a)\\1\" is none: "
            "invalid escape sequence: \\1");
  EXPECT_EQ(complaint("cleaning: {blocked: ['']}"),
            "recipe.yaml:2: cleaning.blocked: the pattern \"\" is empty: it is in every text");
  EXPECT_EQ(complaint("cleaning: {scripts: [Latin, Klingonish]}"),
            "recipe.yaml:2: cleaning.scripts: \"Klingonish\" is no script of letters; names are "
            "Unicode's, as in Latin, Cyrillic, Han");
  EXPECT_NE(complaint("split_by: chain")
                .find("split_by: must be id, or meta: and the name of a "
                      "field, as in meta:chain, got chain"),
            std::string::npos);
}

TEST(SplitKeyTest, IsTheGroupOrTheIdOrWhatMetaSays) {
  data::Dialogue d;
  d.id = "x";
  d.meta = {{"other", "o"}, {"chain", "c"}, {"empty", ""}};
  const auto key = [&](std::string_view split_by) {
    const data::Record record = d;
    const auto found = data::split_key(record, split_by);
    return std::pair{std::string(found.text), found.is_fallback};
  };
  EXPECT_EQ(key("id"), std::pair(std::string("x"), false));
  EXPECT_EQ(key("meta:chain"), std::pair(std::string("c"), false));
  EXPECT_EQ(key("meta:empty"), std::pair(std::string("x"), true));
  EXPECT_EQ(key("meta:none"), std::pair(std::string("x"), true));
  d.group = "g";
  EXPECT_EQ(key("id"), std::pair(std::string("g"), false));
  EXPECT_EQ(key("meta:chain"), std::pair(std::string("c"), false));
  EXPECT_EQ(key("meta:none"), std::pair(std::string("g"), true));

  const data::Record pair = data::Pair{"p", "a", "b", data::Label::kNeutral, "", "q"};
  EXPECT_EQ(data::split_key(pair, "id").text, "q");
  EXPECT_EQ(data::split_key(pair, "meta:chain").text, "q");
  EXPECT_TRUE(data::split_key(pair, "meta:chain").is_fallback);
}

TEST(SplitDrawTest, IsAPureFunctionNearItsShare) {
  int valid = 0;
  int moved = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto id = "d" + std::to_string(i);
    const auto draw = data::split_draw(id, 1);
    EXPECT_EQ(draw, data::split_draw(id, 1));
    EXPECT_GE(draw, 0);
    EXPECT_LT(draw, 1);
    if (draw < 0.1) ++valid;
    if ((draw < 0.1) != (data::split_draw(id, 2) < 0.1)) ++moved;
  }
  EXPECT_NEAR(valid, 1000, 120);
  EXPECT_NEAR(moved, 1800, 200);
}

}  // namespace
}  // namespace banter::tests
