#include "data/inspection/pair_statistics.h"

#include <array>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "data/commands.h"
#include "data/inspection/inspect.h"
#include "data/inspection/reports/pair_report.h"
#include "tests/data/made_files.h"
#include "tests/support/corpora.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using data::Label;

TEST(PairStatisticsTest, CountsWhatIsThere) {
  const TemporaryFolder folder;
  data::PairStatistics statistics(std::make_shared<data::KeyFile>(folder.path()));
  statistics.add({"1", "two words", "caf\xC3\xA9", Label::kEntailment, "", "g"});
  statistics.add({"2", "two words", "caf\xC3\xA9", Label::kEntailment, "", "g"});
  statistics.add({"3", "two words", "caf\xC3\xA9", Label::kNeutral, "", "h"});
  statistics.add({"4", "two words", "caf\xC3\xA9", Label::kContradiction, "", ""});
  statistics.add({"5", "words  two", "x y z", Label::kNeutral, "", ""});
  const auto figures = statistics.figures();
  const auto o = data::to_json(figures);
  EXPECT_EQ(o.at("pairs"), 5);
  EXPECT_EQ(o.at("labels").at("entailment"), 2);
  EXPECT_EQ(o.at("labels").at("neutral"), 2);
  EXPECT_EQ(o.at("labels").at("contradiction"), 1);
  EXPECT_EQ(o.at("premises").at("words"), 10);
  EXPECT_EQ(o.at("premises").at("characters"), 4 * 9 + 10);
  EXPECT_EQ(o.at("premises").at("distinct"), 2);
  EXPECT_EQ(o.at("premises").at("repeated"), 1);
  EXPECT_EQ(o.at("premises").at("longest").at("characters"), 10);
  EXPECT_EQ(o.at("premises").at("longest").at("id"), "5");
  EXPECT_EQ(o.at("hypotheses").at("words"), 7);
  EXPECT_EQ(o.at("hypotheses").at("characters"), 4 * 4 + 5);
  EXPECT_EQ(o.at("hypotheses").at("bytes"), 4 * 5 + 5);
  EXPECT_EQ(o.at("hypotheses").at("distinct"), 2);
  EXPECT_EQ(o.at("repeated_pairs"), 3);
  EXPECT_EQ(o.at("pairs_with_two_labels"), 1);
  EXPECT_EQ(o.at("groups"), 2);
  EXPECT_EQ(o.at("non_ascii_characters"), 4);
  EXPECT_EQ(o.at("non_ascii_pairs"), 4);

  std::ostringstream text;
  data::print(text, figures);
  EXPECT_EQ(
      text.str(),
      "  pairs                             5\n"
      "    entailment                      2\n"
      "    neutral                         2\n"
      "    contradiction                   1\n"
      "  premises                          5  2 distinct, 1 of them stand more than once\n"
      "    words                          10\n"
      "    characters                     46  46 bytes\n"
      "    longest                        10  characters, in 5\n"
      "  hypotheses                        5  2 distinct, 1 of them stand more than once\n"
      "    words                           7\n"
      "    characters                     21  25 bytes\n"
      "    longest                         5  characters, in 5\n"
      "  repeated pairs                    3  with the texts of an earlier one\n"
      "    two labels                      1  different pairs of texts that have more than one\n"
      "  groups                            2\n"
      "  non-ASCII characters              4  5.9701 % of characters, in 4 pairs (80.000 %)\n");
}

TEST(PairStatisticsTest, InspectShowsThemForPairsAndOnlyThen) {
  const TemporaryFolder folder;
  const auto shown = [&](const std::string& corpus, bool as_json) {
    write_file(folder / "corpus", corpus);
    std::vector<std::string> arguments = {(folder / "corpus").string(), "--quiet"};
    if (as_json) arguments.emplace_back("--json");
    testing::internal::CaptureStdout();
    EXPECT_EQ(data::run_inspect(arguments), 0);
    return testing::internal::GetCapturedStdout();
  };
  const std::string pairs = R"({"premise": "a b", "hypothesis": "c", "label": "neutral"})";
  const auto dialogues = json_line("d", {"x", "y"});
  EXPECT_EQ(base::parse_json(shown(pairs, true), "").at("pairs").at("premises").at("words"), 2);
  EXPECT_FALSE(base::parse_json(shown(dialogues, true), "").as_object().contains("pairs"));
  EXPECT_NE(shown(pairs, false)
                .find("  pairs                             1\n"
                      "    entailment                      0\n"
                      "    neutral                         1\n"),
            std::string::npos);
  EXPECT_EQ(shown(pairs, false).find("dialogues"), std::string::npos);
  EXPECT_EQ(shown(dialogues, false).find("pairs"), std::string::npos);
}

/// A row of the table that came with the corpora.
struct Published {
  const char* file;
  int pairs, entailment, neutral, contradiction;
  int premise_words, premise_characters, hypothesis_words, hypothesis_characters;
  int longest_premise, longest_hypothesis, premises, hypotheses;
  int repeated, two_labels, groups, non_ascii;
};

std::ostream& operator<<(std::ostream& out, const Published& row) { return out << row.file; }

class PairCorporaTest : public testing::TestWithParam<Published> {};

TEST_P(PairCorporaTest, FiguresAreThePublishedOnes) {
  const auto& row = GetParam();
  const std::string file = std::string(row.file) + ".jsonl.gz";
  if (const auto why = missing_corpus(file); !why.empty()) GTEST_SKIP() << why;
  const TemporaryFolder scratch;
  auto found = data::inspect_corpus({(corpora() / file).string(), "auto", "auto"}, {},
                                    std::make_shared<data::KeyFile>(scratch.path()), 0, true);
  EXPECT_EQ(found.damage, "");
  EXPECT_EQ(found.problems.records_lost(), 0U);
  const auto o = data::to_json(found.pairs.figures());
  EXPECT_EQ(o.at("pairs"), row.pairs);
  EXPECT_EQ(o.at("labels").at("entailment"), row.entailment);
  EXPECT_EQ(o.at("labels").at("neutral"), row.neutral);
  EXPECT_EQ(o.at("labels").at("contradiction"), row.contradiction);
  const auto& premises = o.at("premises");
  EXPECT_EQ(premises.at("words"), row.premise_words);
  EXPECT_EQ(premises.at("characters"), row.premise_characters);
  EXPECT_EQ(premises.at("longest").at("characters"), row.longest_premise);
  EXPECT_EQ(premises.at("distinct"), row.premises);
  const auto& hypotheses = o.at("hypotheses");
  EXPECT_EQ(hypotheses.at("words"), row.hypothesis_words);
  EXPECT_EQ(hypotheses.at("characters"), row.hypothesis_characters);
  EXPECT_EQ(hypotheses.at("longest").at("characters"), row.longest_hypothesis);
  EXPECT_EQ(hypotheses.at("distinct"), row.hypotheses);
  EXPECT_EQ(o.at("repeated_pairs"), row.repeated);
  EXPECT_EQ(o.at("pairs_with_two_labels"), row.two_labels);
  EXPECT_EQ(o.at("groups"), row.groups);
  EXPECT_EQ(o.at("non_ascii_characters"), row.non_ascii);

  const auto told = [&](std::string_view rule) {
    const auto& rules = found.problems.by_rule();
    const auto at = rules.find(rule);
    return at == rules.end() ? 0 : static_cast<int>(at->second.count);
  };
  EXPECT_EQ(told("a pair has two labels"), row.two_labels);
  EXPECT_EQ(told("a pair has two labels") + told("a pair stands twice"), row.repeated);
}

constexpr std::array kPublished = {
    Published{"nli/train_dnli_rebuilt", 29110, 10015, 13337, 5758, 366331, 1577401, 187020, 885796,
              116, 79, 12839, 971, 0, 0, 1468, 0},
    Published{"nli/train_msc", 32864, 16432, 16432, 0, 723768, 3640496, 300400, 1463116, 699, 285,
              16430, 21224, 0, 0, 500, 334},
    Published{"nli/train_silver_entailment", 39147, 39147, 0, 0, 514173, 2221532, 260617, 1230382,
              114, 170, 32485, 4661, 46, 0, 1, 16},
    Published{"nli/valid_dnli_rebuilt", 9536, 3346, 4503, 1687, 110281, 470166, 63823, 301509, 99,
              79, 4325, 493, 0, 0, 500, 0},
    Published{"nli/valid_dnli_official_ranking", 5360, 209, 4480, 671, 69936, 288789, 40822, 163073,
              113, 70, 4554, 60, 325, 18, 166, 0},
    Published{"native/dnli/dialogue_nli_train", 18984, 6320, 8618, 4046, 231287, 995436, 119244,
              562508, 116, 70, 8308, 492, 0, 0, 0, 0},
    Published{"native/dnli/dialogue_nli_dev", 9536, 3346, 4503, 1687, 110281, 470166, 63823, 301509,
              99, 79, 4325, 493, 0, 0, 0, 0},
};

INSTANTIATE_TEST_SUITE_P(Files, PairCorporaTest, testing::ValuesIn(kPublished),
                         [](const auto& row) {
                           const std::string file = row.param.file;
                           return file.substr(file.rfind('/') + 1);
                         });

}  // namespace
}  // namespace banter::tests
