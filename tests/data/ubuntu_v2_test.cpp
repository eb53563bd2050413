#include "data/formats/turns/ubuntu_v2.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "data/cleaning/cleaning.h"
#include "data/reading/corpus.h"
#include "tests/data/reading_test.h"
#include "tests/support/corpora.h"

namespace banter::tests {
namespace {

const std::string kHeader = "Context,Utterance,Label\r\n";
const std::string kGood = "is it on ? __eou__ __eot__ it is . __eou__ __eot__,thanks __eou__,1\r\n";

class UbuntuV2Test : public ReadingTest {
 protected:
  UbuntuV2Test() : ReadingTest("c.csv") {}
};

TEST_F(UbuntuV2Test, TurnsAreByTurnsAndMessagesOfATurnAreJoined) {
  const auto reading = read(kHeader + kGood +
                            "a __eou__  b  c __eou__ __eot__ d __eou__ __eot__ e __eou__ __eot__,"
                            "f __eou__ g __eou__,1\r\n");
  EXPECT_EQ(reading.format, "ubuntu_v2");
  EXPECT_EQ(reading.why, "its header names a context and an utterance");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: is it on ? | B: it is . | A: thanks");
  EXPECT_EQ(said(reading.dialogues[1]), "A: a b  c | B: d | A: e | B: f g");
  EXPECT_EQ(reading.dialogues[0].id, "1");
  EXPECT_EQ(reading.dialogues[1].id, "2");
  EXPECT_TRUE(reading.dialogues[0].meta.empty());
  EXPECT_TRUE(reading.problems.empty());
}

TEST_F(UbuntuV2Test, AReplyOfAnotherDialogueIsCountedAndNeverADialogue) {
  const auto reading = read(kHeader + "a __eou__ __eot__,b __eou__,0\r\n" + kGood);
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].id, "2");
  EXPECT_EQ(reading.lost, 0U);
  ASSERT_EQ(reading.problems.size(), 1U);
  EXPECT_TRUE(reading.problems[0].starts_with("count "));
  EXPECT_TRUE(tells(reading, ":2: label 0"));
}

TEST_F(UbuntuV2Test, TheFirstLabelTellsHowAFileSpellsThem) {
  const std::string row = "a __eou__ __eot__,b __eou__,";
  const auto all_of = [&](std::initializer_list<const char*> labels) {
    std::string rows;
    for (const char* label : labels) rows += row + label + "\n";
    return rows;
  };
  const auto decimal = read(kHeader + all_of({"?", "0.0", "1.0", "1", "0", "1.00", "1.0"}));
  ASSERT_EQ(decimal.dialogues.size(), 2U);
  EXPECT_EQ(decimal.dialogues[0].id, "3");
  EXPECT_EQ(decimal.dialogues[1].id, "7");
  EXPECT_EQ(decimal.lost, 4U);
  EXPECT_TRUE(tells(decimal, "count " + (folder_ / "c.csv").string() + ":3: label 0"));
  EXPECT_TRUE(tells(decimal, ":2: a label is neither 0 nor 1 (?)"));
  EXPECT_TRUE(tells(decimal, ":5: a label is neither 0.0 nor 1.0 (1)"));
  EXPECT_TRUE(tells(decimal, ":6: a label is neither 0.0 nor 1.0 (0)"));
  EXPECT_TRUE(tells(decimal, ":7: a label is neither 0.0 nor 1.0 (1.00)"));
  const auto plain = read(all_of({"0", "1.0", "0.0", "1"}));
  EXPECT_EQ(plain.dialogues.size(), 1U);
  EXPECT_EQ(plain.lost, 2U);
  EXPECT_EQ(read(all_of({"1.0", "1.0"})).dialogues.size(), 2U) << "without a header";
}

TEST_F(UbuntuV2Test, ColumnsAreFoundByName) {
  const auto reading =
      read("Label,n,\"Utterance\", Context \n1,7,b __eou__,a __eou__ __eot__\n0,8,x,y\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: a | B: b");
}

TEST_F(UbuntuV2Test, WithoutAHeaderTheFirstRowIsADialogueAndItIsTold) {
  const auto reading = read(kGood + kGood);
  EXPECT_EQ(reading.dialogues.size(), 2U);
  EXPECT_TRUE(tells(reading, "note "));
  EXPECT_TRUE(tells(reading, "c.csv:1: there is no header"));
  EXPECT_EQ(read("broken \"row\",1\n" + kGood).dialogues.size(), 1U);
}

TEST_F(UbuntuV2Test, AColumnNamedTwiceMakesNoHeader) {
  write_file(folder_ / "c.csv", "Context,Context,Utterance,Label\n" + kGood);
  const auto reading = read_corpus(folder_ / "c.csv", "ubuntu_v2");
  EXPECT_TRUE(tells(reading, ":1: a row has more or fewer columns"));
  EXPECT_EQ(reading.dialogues.size(), 1U);
}

TEST_F(UbuntuV2Test, AHeaderAloneIsTold) {
  EXPECT_TRUE(tells(read(kHeader), "note " + (folder_ / "c.csv").string() + ":1: no rows"));
}

TEST_F(UbuntuV2Test, ABadRowLosesItsDialogueAloneAndIsNamed) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"a __eot__,b,maybe", "neither 0 nor 1 (maybe)"},
      {"a __eot__,b,1.0", "neither 0 nor 1"},
      {"a __eot__,b, 1", "neither 0 nor 1"},
      {"a __eot__,b,", "neither 0 nor 1"},
      {"a __eot__,b", "columns than there should be (2 instead of 3)"},
      {"a __eot__,b,c,1", "columns than there should be (4 instead of 3)"},
      {",b,1", "no turns before the reply"},
      {" __eou__ __eot__,b,1", "no turns before the reply"},
      {"a __eot__, __eou__,1", "a reply is empty"},
      {"a __eot__,b __eot__ c,1", "several turns"},
      {"a __eou__ __eou__ __eot__,b,1", "nothing stands between two marks"},
      {"a __eot__ __eot__ b __eot__,c,1", "nothing stands between two marks"},
      {"a __eot__ __eou__ b __eot__,c,1", "nothing stands between two marks"},
      {"\xC3\xA9 \xE9 __eot__,b,1", "not valid UTF-8 (column 1)"},
      {"a __eot__,\xFF,1", "not valid UTF-8 (column 2)"},
      {std::string("a\0b __eot__,c,1", 15), "NUL"},
      {"\"a __eot__\"x,b,1", "right after a closing quote"},
      {"\"" + std::string(2000, 'a') + " __eot__\",b,1", "longer than data.max_line_bytes"},
  };
  for (const auto& [row, rule] : bad) {
    const auto reading = read(kHeader + kGood + row + "\r\n" + kGood, {.max_line_bytes = 1000});
    EXPECT_EQ(reading.dialogues.size(), 2U) << rule;
    EXPECT_EQ(reading.dialogues.back().id, "3") << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, "c.csv:3: ")) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule << " <- " << reading.problems.at(0);
  }
}

TEST_F(UbuntuV2Test, TurnsAreLimitedWithTheReply) {
  const data::ReadLimits limits{.max_turns = 3};
  EXPECT_EQ(read(kHeader + kGood, limits).dialogues.size(), 1U);
  const auto reading = read(kHeader + "a __eot__ b __eot__ c __eot__,d,1\n", limits);
  EXPECT_TRUE(reading.dialogues.empty());
  EXPECT_TRUE(tells(reading, "more turns than data.max_turns"));
}

TEST_F(UbuntuV2Test, LineEndsInATextBecomeOneSpace) {
  const auto reading =
      read(kHeader + "\"a\nb __eou__\r\n__eot__\",\"c\r\nd\re __eou__\",1\r\n" + "x,y,z\r\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: a b | B: c d e");
  EXPECT_TRUE(tells(reading, "c.csv:6: "));
}

TEST_F(UbuntuV2Test, OnlyAMarkThatStandsAloneIsOne) {
  const auto reading = read(kHeader + "a__eou__b __EOT__ c __eot__,d __eou__,1\n" + kGood);
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: a__eou__b __EOT__ c | B: d");
  EXPECT_EQ(reading.problems.size(), 1U);
  EXPECT_TRUE(tells(reading, ":2: what looks like __eou__ or __eot__ does not stand alone"));
  EXPECT_TRUE(tells(read(kHeader + "a __eot__,b__Eou__,1\n"), "does not stand alone"));
}

TEST_F(UbuntuV2Test, AContextWithoutMarksIsOneTurnAndTold) {
  const auto reading = read(kHeader + kGood + "a b,c,1\n");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[1]), "A: a b | B: c");
  EXPECT_EQ(reading.problems.size(), 1U);
  EXPECT_TRUE(tells(reading, ":3: a context has no __eou__ and no __eot__"));
}

TEST_F(UbuntuV2Test, QuotesInsideAnUnquotedFieldAreTextAndTold) {
  const auto reading = read(kHeader + "say \"a\" __eot__,b,1\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: say \"a\" | B: b");
  EXPECT_TRUE(tells(reading, "note "));
  EXPECT_TRUE(tells(reading, ":2: a quote stands inside an unquoted field"));
}

TEST_F(UbuntuV2Test, TheRestOfABrokenRowIsNeverADialogue) {
  const std::string broken = "\"a __eot__,b,1\n\"c __eot__\n";
  const auto reading =
      read(kHeader + broken + "d __eot__\",\"e\",1\n" + kGood + "f \"g\" __eot__,h,1\n");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: is it on ? | B: it is . | A: thanks");
  EXPECT_EQ(said(reading.dialogues[1]), "A: f \"g\" | B: h");
  EXPECT_EQ(reading.lost, 2U);
  EXPECT_TRUE(tells(reading, "c.csv:2: text stands right after a closing quote (lines 2 to 3)"));
  EXPECT_TRUE(tells(reading, "c.csv:4: a row with stray quotes stands behind a broken row"));
}

const std::string kRankingHeader =
    "Context,Ground Truth Utterance,Distractor_0,Distractor_1,Distractor_2\n";

TEST_F(UbuntuV2Test, FalseRepliesAreTheDistractorsOfTheTrueOne) {
  const auto reading =
      read(kRankingHeader + "a __eou__ __eot__ b __eou__ __eot__,c __eou__,d __eou__ e __eou__," +
           "f __eou__,f __eou__\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: a | B: b | A: c");
  EXPECT_EQ(reading.dialogues[0].turns[2].distractors, (std::vector<std::string>{"d e", "f", "f"}));
  EXPECT_TRUE(reading.dialogues[0].turns[1].distractors.empty());
  EXPECT_TRUE(reading.problems.empty());
}

TEST_F(UbuntuV2Test, ADistractorThatIsTheTrueReplyIsLeftOutAndTold) {
  const auto reading = read(kRankingHeader + "a __eot__,b __eou__,c __eou__,b,d __eou__\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].turns[1].distractors, (std::vector<std::string>{"c", "d"}));
  EXPECT_TRUE(tells(reading, "c.csv:2: a distractor is the true reply"));
}

TEST_F(UbuntuV2Test, ARankingNeedsAllItsDistractors) {
  for (const char* row :
       {"a __eot__,b,c,d\n", "a __eot__,b,c,d, __eou__\n", "a __eot__,b,c,d,\n"}) {
    const auto reading = read(kRankingHeader + row);
    EXPECT_TRUE(reading.dialogues.empty()) << row;
    EXPECT_EQ(reading.lost, 1U) << row;
    EXPECT_TRUE(tells(reading, "skip ")) << row;
  }
}

TEST_F(UbuntuV2Test, CopiesAreToldSinceTheFormatHasNoIds) {
  const auto reading = read(kHeader + kGood + kGood);
  EXPECT_EQ(reading.dialogues.size(), 2U);
  EXPECT_TRUE(tells(reading, "c.csv:3: a dialogue is a copy"));
}

TEST_F(UbuntuV2Test, OtherTextIsNotTakenForIt) {
  for (const char* head :
       {"", "Context is all\n", "a,b,1\n", "a __eou__ b, c __eou__\n", "Context,Label\n",
        "a __eot__,b,2\n", "{\"Context\": 1}\n", "a __eou__\tb\t1\n", "name,age,1\n__eou__,b\n"})
    EXPECT_EQ(data::recognises_ubuntu_v2(head), "") << head;
  const std::string prose = "About these files.\nA row looks so:\n";
  EXPECT_EQ(data::recognises_ubuntu_v2(prose + prose + prose + kGood), "");
}

/// What a file of the corpus comes to.
struct Totals {
  std::size_t turns = 0, words = 0, most_turns = 0, distractors = 0;
};

Totals totals(const std::vector<data::Dialogue>& dialogues) {
  Totals totals;
  for (const auto& dialogue : dialogues) {
    totals.turns += dialogue.turns.size();
    totals.most_turns = std::max(totals.most_turns, dialogue.turns.size());
    totals.distractors += dialogue.turns.back().distractors.size();
    for (const auto& turn : dialogue.turns) totals.words += base::count_words(turn.text);
  }
  return totals;
}

/// How often a rule whose text begins so was told.
std::uint64_t count(const data::Problems& problems, std::string_view rule) {
  for (const auto& [known, count] : problems.by_rule())
    if (known.starts_with(rule)) return count.count;
  return 0;
}

TEST(UbuntuV2CorpusTest, TrainHasTheFiguresOfItsTable) {
  const std::string path = "native/ubuntu_v2/train.csv.gz";
  if (const auto why = missing_corpus(path); !why.empty()) GTEST_SKIP() << why;
  data::Problems problems;
  data::CorpusReader reader({}, {}, std::filesystem::temp_directory_path(), problems);
  std::vector<data::Dialogue> dialogues;
  const auto file = corpora() / path;
  reader.read(
      {file.string(), "auto", "auto"},
      [&](data::Record&& record, const data::Place&) {
        dialogues.push_back(std::get<data::Dialogue>(std::move(record)));
      },
      [](std::uint64_t) {}, file);
  EXPECT_EQ(dialogues.size(), 5'495U);
  EXPECT_EQ(count(problems, "label 0"), 5'593U);
  EXPECT_EQ(problems.records_lost(), 0U);
  const auto found = totals(dialogues);
  EXPECT_EQ(found.turns, 26'708U);
  EXPECT_EQ(found.words, 366'158U);
  for (const auto& [rule, told] : problems.by_rule())
    EXPECT_NE(told.severity, data::Severity::kSkip) << rule;
}

TEST(UbuntuV2CorpusTest, ValidHasTheFiguresOfItsTable) {
  const std::string path = "native/ubuntu_v2/valid.csv.gz";
  if (const auto why = missing_corpus(path); !why.empty()) GTEST_SKIP() << why;
  const auto reading = read_corpus(corpora() / path);
  EXPECT_EQ(reading.format, "ubuntu_v2");
  EXPECT_EQ(reading.dialogues.size(), 743U);
  const auto found = totals(reading.dialogues);
  EXPECT_EQ(found.turns, 3'391U);
  EXPECT_EQ(found.words, 43'963U);
  EXPECT_EQ(found.most_turns, 39U);  // 38 in the longest context
  EXPECT_EQ(found.distractors, 743U * 9 - 1);
  EXPECT_EQ(reading.lost, 0U);
  EXPECT_TRUE(tells(reading, "a distractor is the true reply"));
}

/// Row k is a context and the reply to it of dialogue k, whose messages are joined there.
void expect_the_same_talk(const std::string& csv, const std::string& json_lines) {
  const auto rows = read_corpus(corpora() / csv).dialogues;
  const auto whole = read_corpus(corpora() / json_lines).dialogues;
  std::size_t equal = 0;
  for (const auto& row : rows) {
    auto dialogue = whole.at(std::stoul(row.id) - 1);
    data::merge_consecutive(dialogue);
    ASSERT_LE(row.turns.size(), dialogue.turns.size()) << row.id;
    for (std::size_t i = 0; i < row.turns.size(); ++i) {
      ASSERT_EQ(row.turns[i].text, dialogue.turns[i].text) << row.id;
      ++equal;
    }
  }
  EXPECT_EQ(equal, totals(rows).turns);
}

TEST(UbuntuV2CorpusTest, TrueRowsSayWhatTheJsonLinesFormSays) {
  for (const std::string split : {"train", "valid"}) {
    const auto csv = "native/ubuntu_v2/" + split + ".csv.gz";
    const auto json_lines = "ubuntu/" + split + ".jsonl.gz";
    for (const auto& path : {csv, json_lines})
      if (const auto why = missing_corpus(path); !why.empty()) GTEST_SKIP() << why;
    expect_the_same_talk(csv, json_lines);
  }
}

}  // namespace
}  // namespace banter::tests
