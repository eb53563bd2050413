#include "data/formats/runs/irc.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/reading_test.h"

namespace banter::tests {
namespace {

using Strings = std::vector<std::string>;

class IrcTest : public ReadingTest {
 protected:
  IrcTest() : ReadingTest("logs/day.txt") {}
};

/// "id: time speaker=text|..." of all dialogues.
Strings texts_of(const Reading& reading) {
  Strings texts;
  for (const auto& dialogue : reading.dialogues) {
    texts.push_back(dialogue.id + ": ");
    for (const auto& turn : dialogue.turns)
      texts.back() += turn.time + " " + turn.speaker + "=" + turn.text + "|";
  }
  return texts;
}

TEST_F(IrcTest, ALogIsOneDialogueOfAllWhoSpeak) {
  const auto reading = read(
      "=== ann [~ann@home] has joined #lamps\n[23:58] <ann> is it <on> ?\n[23:59] <bo|x> ann:  no\n"
      "=== cy has joined #lamps\r\n[00:01]  * cy looks up\r\n[00:01] === bo|x is now known as bo\n"
      "[00:02] <cy> now");
  EXPECT_EQ(reading.format, "irc");
  EXPECT_EQ(texts_of(reading), Strings{"logs/day:0: 23:58 ann=is it <on> ?|23:59 bo|x=ann:  no|"
                                       "00:01 cy=* cy looks up|00:02 cy=now|"});
  EXPECT_EQ(reading.lost, 0U);
  EXPECT_TRUE(tells(reading, "count "));
  EXPECT_TRUE(tells(reading, "day.txt:1: a server line is no turn"));
}

TEST_F(IrcTest, WhatIsNoMessageIsPassedOverAndTold) {
  const auto reading = read(
      "[10:00] <a> x\nprose\n[10:01] <> y\n[10:01] <b> \n[10:01] c\n[24:00] <b> z\n[10:02]  * \n");
  EXPECT_EQ(texts_of(reading), Strings{"logs/day:0: 10:00 a=x|24:00 b=z|"});
  EXPECT_EQ(reading.lost, 4U);
  EXPECT_TRUE(tells(reading, "skip"));
  EXPECT_TRUE(tells(reading, "day.txt:2: a line is no message"));
  EXPECT_TRUE(tells(reading, "day.txt:3: a message has no sender"));
  EXPECT_TRUE(tells(reading, "day.txt:4: a message says nothing"));
  EXPECT_TRUE(tells(reading, "day.txt:6: what should be a time is none"));
}

TEST_F(IrcTest, ABadOrABlankLineEndsARun) {
  const std::string two = "[10:00] <a> x\n[10:01] <b> y\n";
  const Strings wanted = {"logs/day:0: 10:00 a=x|10:01 b=y|", "logs/day:1: 10:00 a=x|10:01 b=y|"};
  const std::string nul("[10:01] <b> x\0\n", 15);
  for (const std::string& bad :
       {std::string("[10:01] <b> caf\xE9\n"), nul, "[10:01] <b> " + std::string(100, 'x') + "\n"}) {
    const auto reading = read(two + bad + two, {.max_line_bytes = 50});
    EXPECT_EQ(texts_of(reading), wanted);
    EXPECT_EQ(reading.lost, 1U);
    EXPECT_TRUE(tells(reading, "day.txt:3: "));
  }
  EXPECT_EQ(texts_of(read(two + " \n" + two)), wanted);
  EXPECT_EQ(read(two + " \n" + two).lost, 0U);
  EXPECT_EQ(texts_of(read(two + two, {.max_turns = 2})), wanted);
}

TEST_F(IrcTest, IsToldFromOtherTextByItsFirstLines) {
  for (const char* own : {"[10:05] <ann> hi\n", "=== a joined\n\n[10:05] <ann> hi\n",
                          "[10:05] === a joined\n[10:05]  * ann waves"})
    EXPECT_NE(data::recognises_irc(own), "") << own;
  for (const char* other : {"", "=== Title\n\ntext\n", "[25:05] <ann> hi\n", "[10:05] ann hi\n",
                            "prose\n[10:05] <ann> hi\n", "[1, 2]\n", "=== only a server line\n"})
    EXPECT_EQ(data::recognises_irc(other), "") << other;
}

TEST_F(IrcTest, LogsOfAFolderHaveIdsOfTheirOwn) {
  write_file(folder_ / "f/1.txt", "[10:00] <a> x\n[10:01] <b> y\n");
  write_file(folder_ / "f/2.txt", "[10:00] <a> x\n[10:01] <b> y\n");
  const auto reading = read_corpus(folder_ / "f");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(reading.dialogues[0].id, "1:0");
  EXPECT_EQ(reading.dialogues[1].id, "2:0");
  EXPECT_TRUE(tells(reading, "2.txt:1: a dialogue is a copy"));
}

}  // namespace
}  // namespace banter::tests
