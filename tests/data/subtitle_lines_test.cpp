#include "data/formats/runs/subtitle_lines.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/data/reading_test.h"
#include "tests/support/corpora.h"

namespace banter::tests {
namespace {

using Strings = std::vector<std::string>;

class SubtitleLinesTest : public ReadingTest {
 protected:
  SubtitleLinesTest() : ReadingTest("lines") {}
};

/// "id:texts" of all dialogues, "|" between turns.
Strings texts_of(const Reading& reading) {
  Strings texts;
  for (const auto& dialogue : reading.dialogues) {
    texts.push_back(dialogue.id + ":");
    for (const auto& turn : dialogue.turns) texts.back() += turn.text + "|";
  }
  return texts;
}

std::size_t count_told(const Reading& reading, const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(reading.problems, [&](const auto& problem) {
    return problem.find(text) != std::string::npos;
  }));
}

TEST_F(SubtitleLinesTest, ALineIsATurnOfNobodyKnownAndABlankOneEndsADialogue) {
  const auto reading = read("Is it late?\n- No.  So?\r\n  \n\n(bell)\nWait\n");
  EXPECT_EQ(reading.format, "subtitle_lines");
  EXPECT_EQ(texts_of(reading), (Strings{"1:Is it late?|- No.  So?|", "2:(bell)|Wait|"}));
  EXPECT_EQ(reading.dialogues[0].turns[0].speaker, "?");
  EXPECT_EQ(reading.dialogues[0].turns[0].time, "");
  EXPECT_EQ(reading.problems, Strings{});
}

TEST_F(SubtitleLinesTest, ABadLineEndsTheRunBeforeItAndAnotherBegins) {
  const std::string nul("x\0y", 3);
  for (const std::string& bad : {std::string("caf\xE9"), nul, std::string(100, 'x')}) {
    const auto reading = read("a\nb\n" + bad + "\nc\nd\n", {.max_line_bytes = 50});
    EXPECT_EQ(texts_of(reading), (Strings{"1:a|b|", "2:c|d|"}));
    EXPECT_EQ(reading.lost, 1U);
    EXPECT_EQ(count_told(reading, "lines:3: "), 1U);
  }
}

TEST_F(SubtitleLinesTest, OneLineBeforeABadOneIsLostWithIt) {
  const auto reading = read("a\ncaf\xE9\nb\nc\n");
  EXPECT_EQ(texts_of(reading), Strings{"1:b|c|"});
  EXPECT_EQ(reading.lost, 1U);
}

TEST_F(SubtitleLinesTest, ALongRunIsCutAndToldOnce) {
  const std::string lines = "a\nb\nc\nd\ne\nf\ng\n";
  const auto reading = read(lines, {.max_turns = 3});
  EXPECT_EQ(texts_of(reading), (Strings{"1:a|b|c|", "2:d|e|f|"}));  // and one turn alone
  EXPECT_EQ(count_told(reading, "lines:4: a run is longer than data.max_turns"), 1U);
  EXPECT_EQ(count_told(reading, "goes on as another dialogue"), 1U);
  EXPECT_EQ(texts_of(read(lines, {.max_line_bytes = 4})), (Strings{"1:a|b|c|d|", "2:e|f|g|"}));
}

TEST_F(SubtitleLinesTest, TextWithMarksOfOtherFormatsIsNotTaken) {
  for (const char* other :
       {"{\"a\": 1}\n", "[1, 2]\n", "[\n{}]", "<a>x</a>\n", "a\tb\n", "hi __eou__ ho __eou__\n",
        "1\n00:00:01,000 --> 00:00:02,000\nHi\n", "[10:05] <ann> hi\n", "1 your persona: x\n",
        "\x01\x02\n\x03\n", "\n \n", ""})
    EXPECT_EQ(data::recognises_subtitle_lines(other), "") << other;
  for (const char* own : {"Hi\n", "\n\nHi", "[door closes] Hi\n", "- Hi\nab\xE9\nHo\n"})
    EXPECT_NE(data::recognises_subtitle_lines(own), "") << own;
}

TEST_F(SubtitleLinesTest, AFolderIsReadOnlyWhereTheFormatIsNamed) {
  write_file(folder_ / "f/a.txt", "a\nb\n");
  EXPECT_THROW(read_corpus(folder_ / "f"), base::DataError);
  EXPECT_EQ(texts_of(read_corpus(folder_ / "f", "subtitle_lines")), Strings{"1:a|b|"});
  write_file(folder_ / "f.zip", zip({{"a.txt", "a\nb\n"}, {"b.json", "{\"id\": 1}"}}));
  const auto reading = read_corpus(folder_ / "f.zip", "subtitle_lines");
  EXPECT_EQ(texts_of(reading), Strings{"1:a|b|"});
  EXPECT_EQ(reading.passed_over, 1U);
}

TEST_F(SubtitleLinesTest, TheSampleHasItsLines) {
  const std::string sample = "native/opensubtitles_xml/plain/en.txt.gz";
  if (const auto why = missing_corpus(sample); !why.empty()) GTEST_SKIP() << why;
  const auto reading = read_corpus(corpora() / sample);
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].turns.size(), 196U);
  EXPECT_EQ(reading.problems, Strings{});
}

}  // namespace
}  // namespace banter::tests
