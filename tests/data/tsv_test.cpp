#include "data/formats/turns/tsv.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/data/reading_test.h"

namespace banter::tests {
namespace {

class TsvTest : public ReadingTest {
 protected:
  TsvTest() : ReadingTest("d.tsv") {}
};

const std::string kGood = "is it on ?\tit is .\tthanks\n";

TEST_F(TsvTest, AColumnIsATurnAndDialoguesDifferInLength) {
  const auto reading = read(kGood + "\n\t \t\r\n a \"b\t\"c\"\td, e\tf\r\n");
  EXPECT_EQ(reading.format, "tsv");
  EXPECT_EQ(reading.why, "its first lines are texts between tabs");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: is it on ? | B: it is . | A: thanks");
  EXPECT_EQ(said(reading.dialogues[1]), "A:  a \"b | B: \"c\" | A: d, e | B: f");
  EXPECT_EQ(reading.dialogues[0].id, "1");
  EXPECT_EQ(reading.dialogues[1].id, "2");
  EXPECT_TRUE(reading.problems.empty());
}

TEST_F(TsvTest, BlankColumnsAtTheEndFillUpATableAndAreNoTurns) {
  const auto reading = read("a b\tc d\t\t \t\n" + kGood);
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(said(reading.dialogues[0]), "A: a b | B: c d");
  EXPECT_TRUE(reading.problems.empty());
}

TEST_F(TsvTest, ABadLineLosesItsDialogueAloneAndIsNamed) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"a\t\tb", "a turn is blank"},
      {"\ta\tb", "a turn is blank"},
      {"a\t \tb", "a turn is blank"},
      {"a\t\xFF", "UTF-8"},
      {std::string("a\tb\0", 4), "NUL"},
      {"a\tb\tc\td", "more turns than data.max_turns"},
      {std::string(200, 'a') + "\tb", "longer than data.max_line_bytes"},
      {"a b c", "too few turns: no reply in it"},
  };
  for (const auto& [line, rule] : bad) {
    const auto reading = read(kGood + line + "\n" + kGood, {.max_line_bytes = 100, .max_turns = 3});
    EXPECT_EQ(reading.dialogues.size(), 2U) << rule;
    EXPECT_EQ(reading.dialogues.back().id, "3") << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, "d.tsv:2: ")) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule << " <- " << reading.problems.at(0);
  }
}

TEST_F(TsvTest, ItIsOnlyBelievedOfASourceThatIsOneFile) {
  write_file(folder_ / "f/d.tsv", kGood);
  EXPECT_THROW(read_corpus(folder_ / "f"), base::DataError);
  EXPECT_THROW(read(tar({{"d.tsv", kGood}})), base::DataError);
}

TEST_F(TsvTest, ATableOfAnotherKindIsNotTakenForIt) {
  for (const char* head : {
           "",
           "\n",
           "just prose\nmore of it\n",
           "prose\ntext here\tand there\n",
           "one column only\t\t\n",
           "2009-03-01T10:05:00.000Z\tann\t\thello\n2009-03-01T10:06:00.000Z\tbob\tann\thi\n",
           "1 hi , how are you ?\tfine .\n2 and you ?\tgood .\n",
           "index\tsentence1\tsentence2\tgold_label\nx\tit is on .\tit is off .\tcontradiction\n",
           "it is on .\tit is off .\tcontradiction\nwe eat .\twe cook .\tneutral\n",
           "it is on .\tit is off .\t0\nwe eat .\twe cook .\t2\n",
           "a b __eou__ c d __eou__\te f __eou__\n",
           "\x1F\x8B\x08 ab\tcd\n",
           "the\t0.11\t-0.2\nof\t0.3\t0.5\n",
       })
    EXPECT_EQ(data::recognises_tsv(head), "") << head;
}

TEST_F(TsvTest, NumbersInATextAreNoReasonToRefuseIt) {
  for (const char* head :
       {"how many ?\t5\n", "2 beers , please\tcoming\nhow many ?\t5\n", "hi\t7\nhow old ?\ta\n"})
    EXPECT_NE(data::recognises_tsv(head), "") << head;
}

}  // namespace
}  // namespace banter::tests
