#include "data/formats/turns/convai2.h"

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "data/options.h"
#include "tests/data/reading_test.h"
#include "tests/support/corpora.h"

namespace banter::tests {
namespace {

class Convai2Test : public ReadingTest {};

using Lines = std::vector<std::string>;
using Personas = std::vector<std::pair<std::string, std::vector<std::string>>>;

const std::string kFirst = "1 your persona: i keep bees.\n2 hello .\thi , any honey ?\n";
const std::string kLast = "1 your persona: i fly kites.\n2 windy today .\tlovely .\n";

TEST_F(Convai2Test, ASelfFileGivesBPersonaAndTwoTurnsALine) {
  const auto reading = read(
      "1 your persona: i keep bees.\n2 your persona: i'm 40.\n"
      "3 hello .\thi , any honey ?\n4 yes\tgood\n" +
      kLast);
  EXPECT_EQ(reading.format, "convai2");
  EXPECT_EQ(reading.problems, Lines{});
  ASSERT_EQ(reading.dialogues.size(), 2U);
  const auto& d = reading.dialogues[0];
  EXPECT_EQ(d.id, "1");
  EXPECT_EQ(reading.dialogues[1].id, "2");
  EXPECT_EQ(d.personas, (Personas{{"B", {"i keep bees.", "i'm 40."}}}));
  EXPECT_EQ(lines_said(d), (Lines{"A: hello .", "B: hi , any honey ?", "A: yes", "B: good"}));
}

TEST_F(Convai2Test, ThePartnersPersonaIsAsAndTheFilesOrderStays) {
  const auto other = read("1 partner's persona: i have two sons.\n2 hi\tho\n");
  ASSERT_EQ(other.dialogues.size(), 1U);
  EXPECT_EQ(other.dialogues[0].personas, (Personas{{"A", {"i have two sons."}}}));
  const auto both = read(
      "1 partner's persona: a1.\n2 your persona: b1.\n3 partner's persona: a2.\n4 hi\tho\n"
      "1 your persona: b1.\n2 partner's persona: a1.\n3 hi\tho there\n");
  ASSERT_EQ(both.dialogues.size(), 2U);
  EXPECT_EQ(both.dialogues[0].personas, (Personas{{"A", {"a1.", "a2."}}, {"B", {"b1."}}}));
  EXPECT_EQ(both.dialogues[1].personas, (Personas{{"B", {"b1."}}, {"A", {"a1."}}}));
}

TEST_F(Convai2Test, WithoutPersonasTheNumberOneIsTheBorder) {
  const auto reading = read("1 a\tb\n2 c\td\n1 e\tf\n");
  EXPECT_EQ(reading.format, "convai2");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(reading.dialogues[0].turns.size(), 4U);
  EXPECT_TRUE(reading.dialogues[0].personas.empty());
}

TEST_F(Convai2Test, NumbersOfTwoDigitsAreNumbers) {
  std::string text;
  for (int i = 1; i <= 11; ++i) text += std::to_string(i) + " your persona: fact.\n";
  const auto reading = read(text + "12 hi\tho\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].personas[0].second, Lines(11, "fact."));
  EXPECT_EQ(lines_said(reading.dialogues[0]), (Lines{"A: hi", "B: ho"}));
}

TEST_F(Convai2Test, OtherCandidatesBecomeDistractorsEachOnce) {
  const auto reading = read("1 hi\tho\t\tno|ho|yes| |no\n2 x\ty\t\n3 p\tq\t\tr\n");
  EXPECT_EQ(reading.problems, Lines{});
  ASSERT_EQ(reading.dialogues.size(), 1U);
  const auto& turns = reading.dialogues[0].turns;
  ASSERT_EQ(turns.size(), 6U);
  EXPECT_EQ(turns[0].distractors, Lines{});
  EXPECT_EQ(turns[1].text, "ho");
  EXPECT_EQ(turns[1].distractors, (Lines{"no", "yes"}));
  EXPECT_EQ(turns[3].distractors, Lines{});
  EXPECT_EQ(turns[5].distractors, Lines{"r"});
}

TEST_F(Convai2Test, SilenceIsNoTurn) {
  const auto reading = read("1 __SILENCE__\thello\n2 hi\tand you ?\n1 hi __SILENCE__\tho\n");
  EXPECT_EQ(reading.problems, Lines{});
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(lines_said(reading.dialogues[0]), (Lines{"B: hello", "A: hi", "B: and you ?"}));
  EXPECT_EQ(lines_said(reading.dialogues[1]), (Lines{"A: hi __SILENCE__", "B: ho"}));
}

TEST_F(Convai2Test, BothSidesOfATalkHaveOneGroupAndAreTold) {
  const auto reading = read(
      "1 your persona: i keep bees.\n2 t1\tt2\n3 t3\tt4\n"
      "1 your persona: i fly kites.\n2 __SILENCE__\tt1\n3 t2\tt3\n4 t4\n"
      "1 __SILENCE__\tt1\n2 t2\tt3\n"
      "1 your persona: i have sons.\n2 t1\tt2\n3 t3\tt4\n"
      "1 t1\tt2\n2 other\tt4\n");
  ASSERT_EQ(reading.dialogues.size(), 5U);
  const auto& group = reading.dialogues[0].group;
  EXPECT_FALSE(group.empty());
  for (const std::size_t i : {1U, 2U, 3U}) EXPECT_EQ(reading.dialogues[i].group, group) << i;
  EXPECT_NE(reading.dialogues[4].group, group);
  EXPECT_EQ(data::split_key(reading.dialogues[1], "id").text, group);
  EXPECT_TRUE(tells(reading, "note " + (folder_ / "corpus").string() +
                                 ":4: a dialogue is an earlier one from the other side"));
  EXPECT_TRUE(tells(reading, ":10: a dialogue is a copy of an earlier one"));
  EXPECT_EQ(reading.lost, 0U);
}

TEST_F(Convai2Test, ABlankFactIsLeftOutAndTold) {
  const auto reading = read("1 your persona: \n2 your persona: i keep bees.\n3 hi\tho\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].personas, (Personas{{"B", {"i keep bees."}}}));
  EXPECT_TRUE(tells(reading, "corpus:1: a fact of a persona is blank"));
}

TEST_F(Convai2Test, APersonaLineBehindTurnsBeginsAnotherDialogue) {
  const auto reading = read("1 your persona: a.\n2 hi\tho\n3 your persona: b.\n4 x\ty\n");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(reading.dialogues[1].personas, (Personas{{"B", {"b."}}}));
  EXPECT_EQ(lines_said(reading.dialogues[1]), (Lines{"A: x", "B: y"}));
  EXPECT_TRUE(tells(reading, "corpus:3: a persona line behind turns"));
}

TEST_F(Convai2Test, NumbersThatGoOnWithoutPersonasAreOneDialogue) {
  const auto reading = read("1 a\tb\n2 c\td\n3 e\tf\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].turns.size(), 6U);
}

TEST_F(Convai2Test, TheLastLineMayLackItsReply) {
  const auto reading = read("1 a\tb\n2 still there ?\n1 c\td\n2 e\n");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(lines_said(reading.dialogues[0]), (Lines{"A: a", "B: b", "A: still there ?"}));
  EXPECT_EQ(reading.dialogues[1].turns.size(), 3U);
  EXPECT_TRUE(tells(reading, "corpus:2: the last line of a dialogue has no reply"));
  EXPECT_TRUE(tells(reading, "corpus:4: the last line of a dialogue has no reply"));
  EXPECT_EQ(reading.lost, 0U);
}

TEST_F(Convai2Test, BlankLinesAndLineEndsAreNoContent) {
  const auto reading = read(
      "\xEF\xBB\xBF"
      "1 your persona: a.\r\n\r\n2 hi\tho\r\n \n1 x\ty");
  EXPECT_EQ(reading.problems, Lines{});
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(reading.dialogues[0].personas, (Personas{{"B", {"a."}}}));
  EXPECT_EQ(lines_said(reading.dialogues[0]), (Lines{"A: hi", "B: ho"}));
}

struct Fault {
  std::string lines;  ///< of the dialogue between two whole ones; its first line is 3
  std::string place, rule;
};

std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.rule; }

class Convai2FaultTest : public Convai2Test, public testing::WithParamInterface<Fault> {};

TEST_P(Convai2FaultTest, LosesItsDialogueAlone) {
  const auto& [lines, place, rule] = GetParam();
  const auto reading = read(kFirst + lines + kLast, {.max_line_bytes = 200, .max_turns = 6});
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(lines_said(reading.dialogues[0]), (Lines{"A: hello .", "B: hi , any honey ?"}));
  EXPECT_EQ(lines_said(reading.dialogues[1]), (Lines{"A: windy today .", "B: lovely ."}));
  EXPECT_EQ(reading.dialogues[1].id, "3") << "lost dialogues are counted";
  EXPECT_EQ(reading.lost, 1U);
  EXPECT_EQ(reading.problems.size(), 1U);
  EXPECT_TRUE(tells(reading, "corpus:" + place + ": " + rule)) << reading.problems.at(0);
}

const std::string kLong = std::string(201, 'x');

INSTANTIATE_TEST_SUITE_P(
    Faults, Convai2FaultTest,
    testing::Values(
        Fault{"1 your persona: a.\n", "3", "a dialogue has no turns"},
        Fault{"1 __SILENCE__\t__SILENCE__\n", "3", "a dialogue has no turns"},
        Fault{"1 hi\tho\n2  \tho\n", "4", "a turn is blank (A)"},
        Fault{"1 hi\t\n2 x\ty\n", "3", "a turn is blank (B)"},
        Fault{"1 hi\tho\n2 hi ho\n3 x\ty\n", "4", "a line has no tab"},
        Fault{"1 hi\tho\n3 x\ty\n", "4",
              "the numbers of the lines do not follow one another (3 "
              "instead of 2)"},
        Fault{"1 hi\tho\n2 p\tq\n2 x\ty\n", "5", "the numbers of the lines do not follow"},
        Fault{"1 hi\tho\n3 your persona: a.\n4 your persona: b.\n5 x\ty\n", "4",
              "the numbers of the lines do not follow"},
        Fault{"1 your persona: a.\nyour persona: b.\n3 hi\tho\n", "4", "a line has no number"},
        Fault{"your persona: a.\n2 hi\tho\n", "3", "a line has no number"},
        Fault{"your persona: a.\nyour persona: b.\n3 hi\tho\n", "3", "a line has no number"},
        Fault{"1 hi\tho\nx\ty\n", "4", "a line has no number"},
        Fault{"1 hi\tho\n2\n", "4", "a line has no number"},
        Fault{"1 hi\tho\n99999999999999999999 x\ty\n", "4", "a line has no number"},
        Fault{"1 hi\tho\n2 " + kLong + "\ty\n3 x\ty\n", "4", "a line is longer than"},
        Fault{"1 " + kLong + "\ty\n2 x\ty\n", "3", "a line is longer than"},
        Fault{"1 hi\tho\n2 " + kLong + "\n3 your persona: b.\n4 x\ty\n", "4",
              "a line is longer than"},
        Fault{"1 " + std::string(150, 'x') + "\ty\n2 " + std::string(150, 'x') + "\ty\n", "4",
              "a dialogue is longer than"},
        Fault{"1 a\tb\n2 a\tb\n3 a\tb\n4 a\tb\n", "6", "a dialogue has more turns than"},
        Fault{"1 hi\t\xC0\xAF\n2 x\ty\n", "3", "a text is not valid UTF-8"},
        Fault{"1 your persona: \xE9t\xE9\n2 x\ty\n", "3", "a text is not valid UTF-8"},
        Fault{"1 hi\tho\t\tok|\xFF\n", "3", "a text is not valid UTF-8"},
        Fault{std::string("1 hi\tho\n2 x\0\ty\n", 15), "4", "a text holds NUL"},
        Fault{"1 your persona: a.\tb\n2 x\ty\n", "3", "a persona line holds a tab"},
        Fault{"1 hi\tho\tho\n", "3", "the third column of a line is not empty"},
        Fault{"1 hi\tho\t\ta|b\tc\n", "3", "a line has more than four columns"}));

TEST_F(Convai2Test, AFaultInTheLastDialogueIsToldToo) {
  for (const std::string& lines : {std::string("1 hi\tho\nx\n"), "1 hi\tho\n2 " + kLong + "\n"}) {
    const auto reading = read(kFirst + lines, {.max_line_bytes = 200});
    EXPECT_EQ(reading.dialogues.size(), 1U);
    EXPECT_EQ(reading.lost, 1U);
    EXPECT_TRUE(tells(reading, "corpus:4: "));
  }
}

TEST_F(Convai2Test, DamageKeepsTheDialogueAtTheCutOut) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "1 hello number " + std::to_string(i * i) + "\tho\n";
  const auto whole = gzip(text);
  const auto reading = read(whole.substr(0, whole.size() / 2));
  EXPECT_NE(reading.damage, "");
  ASSERT_FALSE(reading.dialogues.empty());
  EXPECT_EQ(reading.dialogues.back().turns.size(), 2U);
}

TEST(Convai2RecognitionTest, OnlyNumberedTalkIsTakenForIt) {
  using data::recognises_convai2;
  for (const char* head : {"1 your persona: a", "1 partner's persona: a\n", "1 hi\tho",
                           "1 hi\tho\n2 x", "1 hi\tho\n1 x\ty\n"})
    EXPECT_NE(recognises_convai2(head), "") << head;
  for (const char* head :
       {"", "\n", "1\thi\tho\n", "your persona: a", "2 your persona: a", "1 hi ho\n2 x\ty\n",
        "1 hi\tho\nx\ty\n", "1 hi\tho\n7 x\ty\n", "gold_label\tsentence1\n1 a\tb\n",
        "{\"id\": \"1\"}", "[10:11] <ann> 1 hi\tho", "2004-11-15T12:18:00.000Z\tann\t\thi"})
    EXPECT_EQ(recognises_convai2(head), "") << head;
}

/// What section "Statistics" of the corpora says of a file.
struct Statistics {
  std::string file;     ///< under native/convai2
  std::string same_as;  ///< under persona
  std::size_t turns, words, characters;
  std::size_t facts_of_a, facts_of_b, fact_characters;
};

std::ostream& operator<<(std::ostream& out, const Statistics& row) { return out << row.file; }

class Convai2CorpusTest : public testing::TestWithParam<Statistics> {};

std::size_t facts_of(const data::Dialogue& dialogue, std::string_view speaker,
                     std::size_t& characters) {
  for (const auto& [who, facts] : dialogue.personas) {
    if (who != speaker) continue;
    for (const auto& fact : facts) characters += base::count_code_points(fact);
    return facts.size();
  }
  return 0;
}

/// The facts of one speaker, nothing when he has none.
std::vector<std::string> persona_of(const data::Dialogue& dialogue, std::string_view speaker) {
  for (const auto& [who, facts] : dialogue.personas)
    if (who == speaker) return facts;
  return {};
}

TEST_P(Convai2CorpusTest, HoldsTheTalksOfItsJsonLinesForm) {
  const auto& row = GetParam();
  for (const auto& path : {"native/convai2/" + row.file, "persona/" + row.same_as})
    if (const auto why = missing_corpus(path); !why.empty()) GTEST_SKIP() << why;
  const auto here = read_corpus(corpora() / "native/convai2" / row.file);
  const auto there = read_corpus(corpora() / "persona" / row.same_as);
  EXPECT_EQ(here.format, "convai2");
  EXPECT_EQ(here.problems, Lines{});
  ASSERT_EQ(here.dialogues.size(), 500U);
  ASSERT_EQ(there.dialogues.size(), 500U);
  Statistics found{row.file, row.same_as, 0, 0, 0, 0, 0, 0};
  for (std::size_t i = 0; i < here.dialogues.size(); ++i) {
    const auto& d = here.dialogues[i];
    EXPECT_EQ(d.id, std::to_string(i + 1));
    EXPECT_EQ(lines_said(d), lines_said(there.dialogues[i]));
    found.turns += d.turns.size();
    for (const auto& turn : d.turns) {
      found.words += base::count_words(turn.text);
      found.characters += base::count_code_points(turn.text);
    }
    found.facts_of_a += facts_of(d, "A", found.fact_characters);
    found.facts_of_b += facts_of(d, "B", found.fact_characters);
    if (row.file.find("revised") != std::string::npos) continue;  // its facts are reworded
    for (const char* speaker : {"A", "B"}) {
      const auto facts = persona_of(d, speaker);
      if (facts.empty()) continue;
      EXPECT_EQ(facts, persona_of(there.dialogues[i], speaker));
    }
  }
  EXPECT_EQ(found.turns, row.turns);
  EXPECT_EQ(found.words, row.words);
  EXPECT_EQ(found.characters, row.characters);
  EXPECT_EQ(found.facts_of_a, row.facts_of_a);
  EXPECT_EQ(found.facts_of_b, row.facts_of_b);
  EXPECT_EQ(found.fact_characters, row.fact_characters);
}

Statistics of_train(const std::string& form, std::size_t facts_of_a, std::size_t facts_of_b,
                    std::size_t fact_characters) {
  return {"train_" + form + "_no_cands.txt.gz",
          "train_convai2.jsonl.gz",
          7768,
          99'144,
          430'533,
          facts_of_a,
          facts_of_b,
          fact_characters};
}

Statistics of_valid(const std::string& form, std::size_t facts_of_a, std::size_t facts_of_b,
                    std::size_t fact_characters) {
  return {"valid_" + form + "_no_cands.txt.gz",
          "valid.jsonl.gz",
          7834,
          83'580,
          358'665,
          facts_of_a,
          facts_of_b,
          fact_characters};
}

INSTANTIATE_TEST_SUITE_P(Files, Convai2CorpusTest,
                         testing::Values(of_train("self_original", 0, 2236, 72'106),
                                         of_train("self_revised", 0, 2236, 75'285),
                                         of_train("both_original", 2250, 2236, 143'900),
                                         of_train("none_original", 0, 0, 0),
                                         of_valid("self_original", 0, 2247, 70'923),
                                         of_valid("self_revised", 0, 2247, 73'993),
                                         of_valid("both_original", 2245, 2247, 141'050),
                                         of_valid("none_original", 0, 0, 0)));

}  // namespace
}  // namespace banter::tests
