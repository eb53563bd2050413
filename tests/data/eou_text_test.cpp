#include "data/formats/turns/eou_text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/reading_test.h"
#include "tests/support/corpora.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

class EouTextTest : public ReadingTest {
 protected:
  EouTextTest() : ReadingTest("d.txt") {}
};

const std::string kGood = "how are you ? __eou__ fine . __eou__ good __eou__\n";

TEST_F(EouTextTest, AMessageMarkEndsATurnWhereTheFileHasNoTurnMark) {
  const auto reading = read(kGood + "\r\n \n a  b __eou__ c\r\n");
  EXPECT_EQ(reading.format, "eou_text");
  EXPECT_EQ(reading.why, "its first line has __eou__ or __eot__");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: how are you ? | B: fine . | A: good");
  EXPECT_EQ(said(reading.dialogues[1]), "A: a  b | B: c");
  EXPECT_EQ(reading.dialogues[0].id, "1");
  EXPECT_EQ(reading.dialogues[1].id, "2");
  EXPECT_TRUE(reading.problems.empty());
}

TEST_F(EouTextTest, ATurnMarkEndsATurnWhereTheFileHasOne) {
  const auto reading = read("a __eou__ b __eou__ __eot__ c __eou__ __eot__ d __eot__ e\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: a b | B: c | A: d | B: e");
}

TEST_F(EouTextTest, OneRuleHoldsForAllLinesOfAFile) {
  const auto ubuntu = read("a __eou__ b __eou__\nc __eou__ __eot__ d __eou__ __eot__\n");
  ASSERT_EQ(ubuntu.dialogues.size(), 1U);
  EXPECT_EQ(said(ubuntu.dialogues[0]), "A: c | B: d");
  EXPECT_TRUE(tells(ubuntu, "d.txt:1: a dialogue has too few turns"));

  std::string daily;
  while (daily.size() < (1 << 16)) daily += kGood;
  const auto late = read(daily + "a __eou__ b __eou__ __eot__ c __eou__\n" + kGood);
  EXPECT_EQ(late.lost, 1U);
  EXPECT_TRUE(tells(late, "skip "));
  EXPECT_TRUE(tells(late, "a line has __eot__, and the first lines of the file have none"));
}

TEST_F(EouTextTest, ABadLineLosesItsDialogueAloneAndIsNamed) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"a __eou__ __eou__ b __eou__", "nothing stands between two marks"},
      {"__eou__ a __eou__ b", "nothing stands between two marks"},
      {"a __eou__ \v __eou__ b", "nothing stands between two marks"},
      {"__eou__ __eou__", "a dialogue has no turns"},
      {"a \xFF __eou__ b __eou__", "UTF-8"},
      {std::string("a\0 __eou__ b", 12), "NUL"},
      {"a __eou__ b __eou__ c __eou__ d", "more turns than data.max_turns"},
      {std::string(200, 'a') + " __eou__ b", "longer than data.max_line_bytes"},
      {"a __eou__", "too few turns: no reply in it"},
      {"a", "too few turns: no reply in it"},
  };
  for (const auto& [line, rule] : bad) {
    const auto reading = read(kGood + line + "\n" + kGood, {.max_line_bytes = 100, .max_turns = 3});
    EXPECT_EQ(reading.dialogues.size(), 2U) << rule;
    EXPECT_EQ(reading.dialogues.back().id, "3") << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, "d.txt:2: ")) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule << " <- " << reading.problems.at(0);
  }
}

TEST_F(EouTextTest, OnlyAMarkThatStandsAloneIsOne) {
  const auto reading = read(kGood + "a__eou__b __EOU__ c __eou__ d\n");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[1]), "A: a__eou__b __EOU__ c | B: d");
  EXPECT_TRUE(tells(reading, "note "));
  EXPECT_TRUE(tells(reading, "d.txt:2: what looks like __eou__ or __eot__"));
  EXPECT_EQ(reading.lost, 0U);
}

TEST_F(EouTextTest, OtherTextIsNotTakenForIt) {
  for (const char* head :
       {"", "\n", "just prose\na __eou__ b\n", "a__eou__ b\n", "1\ta __eou__ b\tc\n",
        "a __eou__ __eot__,b __eou__,c __eou__\n", "\"a __eou__ __eot__\",\"b __eou__\",d\n",
        "{\"text\": \"a __eou__ b\"}\n", "[{\"text\": \"a __eou__ b\"}]\n"})
    EXPECT_EQ(data::recognises_eou_text(head), "") << head;
}

TEST(EouTextCorpusTest, RealDialoguesComeBackFromIt) {
  const std::string path = "dailydialog/valid.jsonl.gz";
  if (const auto why = missing_corpus(path); !why.empty()) GTEST_SKIP() << why;
  const auto wanted = read_corpus(corpora() / path).dialogues;
  std::string text;
  for (const auto& dialogue : wanted) {
    for (const auto& turn : dialogue.turns) text += turn.text + " __eou__ ";
    text.back() = '\n';
  }
  const TemporaryFolder folder;
  write_file(folder / "d.txt", text);
  const auto found = read_corpus(folder / "d.txt");
  EXPECT_EQ(found.lost, 0U);
  ASSERT_EQ(found.dialogues.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(said(found.dialogues[i]), said(wanted[i])) << wanted[i].id;
}

}  // namespace
}  // namespace banter::tests
