#include "data/formats/formats.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

class FormatsTest : public testing::Test {
 protected:
  Reading read(std::string_view bytes, const std::string& name = "corpus",
               const std::string& format = "auto") {
    write_file(folder_ / name, bytes);
    return read_corpus(folder_ / name, format);
  }
  TemporaryFolder folder_;
};

const std::string kGood = json_line("good", {"hello", "hi", "how are you", "fine"});

TEST(TextFaultTest, ABlankTextIsCalledWhatItIs) {
  EXPECT_EQ(data::text_fault(" \t"), "a turn is blank");
  EXPECT_EQ(data::text_fault("", "a sentence is blank"), "a sentence is blank");
  EXPECT_EQ(data::text_fault("\xFF", "a sentence is blank"), "a text is not valid UTF-8");
  EXPECT_EQ(data::text_fault(std::string_view("\0", 1), "a sentence is blank"), "a text holds NUL");
  EXPECT_EQ(data::text_fault("x"), "");
}

TEST_F(FormatsTest, JsonLinesGiveWhatTheyHold) {
  const auto reading = read(
      R"({"id": "x", "extra": 1, "turns": [{"speaker": "ann", "text": " two  spaces ", "time": "t1"},)"
      R"( {"text": "caf\u00e9"}], "meta": {"k": "v", "n": 3}, "group": "g", "personas": {"ann": ["i like tea", " "]}})");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  const auto& d = reading.dialogues[0];
  EXPECT_EQ(reading.format, "jsonl");
  EXPECT_EQ(d.id, "x");
  EXPECT_EQ(d.turns[0].speaker, "ann");
  EXPECT_EQ(d.turns[0].text, " two  spaces ");
  EXPECT_EQ(d.turns[0].time, "t1");
  EXPECT_EQ(d.turns[1].speaker, "?");
  EXPECT_EQ(d.turns[1].text, "caf\xC3\xA9");
  using Meta = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(d.meta, (Meta{{"k", "v"}}));
  EXPECT_EQ(d.group, "g");
  ASSERT_EQ(d.personas.size(), 1U);
  EXPECT_EQ(d.personas[0].second, std::vector<std::string>{"i like tea"});
  EXPECT_TRUE(tells(reading, "meta is no string"));
  EXPECT_TRUE(tells(reading, "fact of a persona is blank"));
}

TEST_F(FormatsTest, ASpeakerWithoutANameIsUnknown) {
  const auto reading = read(
      R"({"id": "x", "turns": [{"speaker": "", "text": "a"}, {"text": "b"}], "personas": {"": ["c"]}})");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].turns[0].speaker, "?");
  EXPECT_EQ(reading.dialogues[0].turns[1].speaker, "?");
  EXPECT_EQ(reading.dialogues[0].personas[0].first, "?");
}

TEST_F(FormatsTest, MoreSpeakersThanAStoreNumbersAreAFault) {
  const auto record = [](std::size_t turns, std::size_t personas) {
    std::string line = R"({"id": "x", "turns": [)";
    for (std::size_t i = 0; i < turns; ++i)
      line += std::string(i == 0 ? "" : ",") + R"({"speaker":"s)" + std::to_string(i) +
              R"(","text":"t"})";
    line += R"(], "personas": {)";
    for (std::size_t i = 0; i < personas; ++i)
      line += std::string(i == 0 ? "" : ",") + "\"p" + std::to_string(i) + R"(":["f"])";
    return line + "}}\n";
  };
  const data::ReadLimits limits{.max_line_bytes = 1 << 24, .max_turns = 65'000};
  write_file(folder_ / "most", record(65'000, data::kMaxSpeakers - 65'000));
  EXPECT_EQ(read_corpus(folder_ / "most", "auto", limits).dialogues.size(), 1U);
  write_file(folder_ / "more", record(65'000, data::kMaxSpeakers - 65'000 + 1));
  const auto reading = read_corpus(folder_ / "more", "auto", limits);
  EXPECT_TRUE(reading.dialogues.empty());
  EXPECT_EQ(reading.lost, 1U);
  EXPECT_TRUE(tells(reading, "more turns and personas than speakers are numbered"));
}

TEST_F(FormatsTest, AnArrayOfDialoguesIsReadByElements) {
  auto second = json_line("b", {"x", "y"});
  const auto reading = read("[" + kGood + ",\n {\"id\": 7, \"turns\": []}, " + second + "]");
  EXPECT_EQ(reading.dialogues.size(), 2U);
  EXPECT_TRUE(tells(reading, ":element 2:"));
}

TEST_F(FormatsTest, ABadLineLosesItsDialogueAloneAndIsNamed) {
  const std::string turn = R"({"speaker": "A", "text": "x"})";
  const std::string deep =
      R"({"id": "d", "turns": [], "x": )" + std::string(5000, '[') + std::string(5000, ']') + "}";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{\"id\": \"b\"", "not JSON"},
      {"hello there", "not JSON"},
      {"null", "wrong type"},
      {"[1]", "wrong type"},
      {R"({"turns": []})", "missing (id)"},
      {R"({"id": "b"})", "missing (turns)"},
      {R"({"id": "b", "turns": [{"speaker": "A"}]})", "missing (text)"},
      {R"({"id": "b", "turns": "hello"})", "wrong type"},
      {R"({"id": "b", "turns": []})", "no turns"},
      {R"({"id": "b", "turns": [)" + turn + R"(, {"speaker": "B", "text": 4}]})", "wrong type"},
      {R"({"id": "b", "turns": [)" + turn + R"(, {"speaker": "B", "text": "  "}]})", "blank"},
      {R"({"id": "b", "turns": [)" + turn + R"(, {"speaker": "B", "text": "a\u0000b"}]})", "NUL"},
      {R"({"id": "b", "turns": [)" + turn + R"(, {"speaker": "B", "text": "a\ud800b"}]})",
       "not JSON"},
      {R"({"id": "b", "id": "c", "turns": [)" + turn + "," + turn + "]}", "stands twice"},
      {R"({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "id": "b", "turns": [)" + turn + "," +
           turn + R"(], "a": 1})",
       "stands twice"},
      {R"({"id": "b", "turns": [{"speaker": "B", "text": "a)"
       "\xFF"
       R"("}]})",
       "UTF-8"},
      {R"({"id": "b", "group": 1, "turns": [)" + turn + "," + turn + "]}", "group is no string"},
      {R"({"id": "b", "group": "a\u0000", "turns": [)" + turn + "," + turn + "]}", "NUL (group)"},
      {std::string("{\"id\": \"b\0\"}", 12), "not JSON"},
      {deep, "nested deeper"},
      {R"({"id": "b", "x": ")" + std::string(1 << 20, 'x') + "\"}", "longer than"},
  };
  for (const auto& [line, rule] : bad) {
    const auto reading = read(kGood + line + "\n" + json_line("last", {"x", "y"}));
    EXPECT_EQ(reading.dialogues.size(), 2U) << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule << " <- " << reading.problems.at(0);
    EXPECT_TRUE(tells(reading, "corpus:2:")) << rule;
  }
}

TEST_F(FormatsTest, RepeatedIdsLoseTheLaterOnes) {
  const auto reading = read(kGood + json_line("good", {"other", "text"}) + kGood);
  EXPECT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.lost, 2U);
  EXPECT_TRUE(tells(reading, "corpus:2: an id stands twice"));
  EXPECT_TRUE(tells(reading, "an exact copy"));
}

TEST_F(FormatsTest, WhatGivesNoReplyIsNotedAndLeftOut) {
  const auto reading = read(kGood + json_line("one", {"hello"}) +
                            R"({"id": "m", "turns": [{"speaker": "A", "text": "x"},)"
                            R"( {"speaker": "A", "text": "y"}]})");
  EXPECT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.lost, 2U);
  for (const auto& problem : reading.problems) EXPECT_TRUE(problem.starts_with("note "));
}

const std::string kChitchat =
    R"({"c-1": {"messages": [[{"text": "Hi", "timestamp": "t1", "sender": "u"},)"
    R"( {"text": "You?", "timestamp": "t2", "sender": "u"}],)"
    R"( [{"text": "Fine", "timestamp": "t3", "sender": "v"}]],)"
    R"( "ratings": {"witty": 5}, "start": "t0", "prompt": "Say hi"},)"
    R"( "c-2": {"messages": []}, "c-3": {"messages": [[{"text": "a", "sender": "u"}],)"
    R"( [{"text": " ", "sender": "v"}]]}})";

TEST_F(FormatsTest, ChitchatKeepsMessagesInARowApart) {
  const auto reading = read(kChitchat);
  EXPECT_EQ(reading.format, "chitchat");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  const auto& d = reading.dialogues[0];
  EXPECT_EQ(d.id, "c-1");
  ASSERT_EQ(d.turns.size(), 3U);
  EXPECT_EQ(d.turns[1].text, "You?");
  EXPECT_EQ(d.turns[1].speaker, "u");
  EXPECT_EQ(d.turns[2].time, "t3");
  using Meta = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(d.meta, (Meta{{"prompt", "Say hi"}, {"start", "t0"}, {"rating.witty", "5"}}));
  EXPECT_EQ(reading.lost, 2U);
  EXPECT_TRUE(tells(reading, ":element 2: a dialogue has no turns"));
  EXPECT_TRUE(tells(reading, ":element 3: a turn is blank (turn 2)"));
}

TEST_F(FormatsTest, AnArrayIsNoChitchatEvenWhereTheUserSaysSo) {
  const auto reading = read("[" + kChitchat + ", {}]", "corpus", "chitchat");
  EXPECT_TRUE(reading.dialogues.empty());
  EXPECT_EQ(reading.lost, 2U);
  for (const char* element : {":element 1: ", ":element 2: "})
    EXPECT_TRUE(
        tells(reading, std::string(element) +
                           "a field has the wrong type (the record is no single conversation)"));
}

TEST_F(FormatsTest, ChitchatIsFoundInAPackageAmongOtherFiles) {
  const auto reading = read(zip({{"pkg/__init__.py", "import json"},
                                 {"pkg/dataset.json", kChitchat},
                                 {"pkg/METADATA", "Name: pkg"}}),
                            "pkg.whl");
  EXPECT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.passed_over, 2U);
}

TEST_F(FormatsTest, ACutChitchatFileIsToldAndKeepsItsWholeElements) {
  const auto reading = read(kChitchat.substr(0, kChitchat.size() - 20));
  EXPECT_EQ(reading.dialogues.size(), 1U);
  EXPECT_TRUE(tells(reading, "ends inside an element"));
  EXPECT_NE(read(kChitchat + "x").damage, "");
}

std::string tsv(const std::vector<std::string>& lines) {
  std::string text;
  int minute = 10;
  for (const auto& line : lines)
    text += "2009-03-01T10:" + std::to_string(minute++) + ":00.000Z\t" + line + "\n";
  return text;
}

TEST_F(FormatsTest, UbuntuSplitsAtTheFirstThreeTabsAndQuotesAreLetters) {
  const auto reading = read(
      gzip(tar({{"dialogs/3/1.tsv", tsv({"ann\t\t\"hi\" there", "bob\tann\ta\tb", "ann\tbob\tok"})},
                {"dialogs/README", "about\n"}})));
  EXPECT_EQ(reading.format, "ubuntu_v1");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  const auto& d = reading.dialogues[0];
  EXPECT_EQ(d.id, "3/1");
  EXPECT_EQ(d.turns[0].text, "\"hi\" there");
  EXPECT_EQ(d.turns[0].time, "2009-03-01T10:10:00.000Z");
  EXPECT_EQ(d.turns[1].text, "a\tb");
  EXPECT_EQ(d.turns[1].speaker, "bob");
  EXPECT_TRUE(tells(reading, "dialogs/3/1.tsv:2: a text holds a tab"));
  EXPECT_EQ(reading.lost, 0U);
  EXPECT_EQ(reading.passed_over, 1U);
}

TEST_F(FormatsTest, ABadUbuntuLineLosesItsDialogueAlone) {
  const std::string good = tsv({"ann\t\thi", "bob\tann\tho"});
  const std::vector<std::pair<std::string, std::string>> bad = {
      {tsv({"ann\t\thi", "bob"}), "fewer than four columns"},
      {tsv({"ann\t\thi", "\tann\tx"}), "no sender"},
      {tsv({"ann\t\thi", "bob\tann\t "}), "blank"},
      {tsv({"ann\t\thi", "bob\tann\t\xE9t\xE9"}), "UTF-8"},
      {tsv({"ann\t\thi", std::string("bob\tann\tx\0y", 11)}), "NUL"},
      {tsv({"ann\t\thi", "bob\tann\t" + std::string(1 << 20, 'x')}), "longer than"},
  };
  for (const auto& [text, rule] : bad) {
    const auto reading = read(
        tar({{"dialogs/2/1.tsv", good}, {"dialogs/2/2.tsv", text}, {"dialogs/2/3.tsv", good}}));
    EXPECT_EQ(reading.dialogues.size(), 2U) << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule;
    EXPECT_TRUE(tells(reading, "corpus:dialogs/2/2.tsv:2:")) << rule;
  }
}

TEST_F(FormatsTest, AnUbuntuDialogueIsCalledTheSamePackedOrNot) {
  const auto good = tsv({"ann\t\thi", "bob\tann\tho"});
  const auto reading = read(tar({{"dialogs/2/1.tsv", good},
                                 {"./dialogs/2/2.tsv.gz", gzip(good)},
                                 {"dialogs/2/3.tsv.gz", gzip("ann\t\thi\n")}}));
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(reading.dialogues[0].id, "2/1");
  EXPECT_EQ(reading.dialogues[1].id, "2/2");
  EXPECT_TRUE(tells(reading, "corpus:dialogs/2/3.tsv.gz:1: a line has fewer than four columns"));
}

TEST_F(FormatsTest, TheNameOfAnUbuntuDialogueCountsWhereNoFormatKnowsItsContent) {
  const auto json = read(kGood, "4/1.tsv");
  EXPECT_EQ(json.format, "jsonl");
  EXPECT_EQ(json.dialogues.size(), 1U);
  EXPECT_EQ(read("hello\thi\tand you\n", "3/1.tsv").format, "tsv");
  const std::string faulty = "ann\t\thi\n";
  const auto reading =
      read(tar({{"dialogs/2/1.tsv", tsv({"ann\t\thi", "bob\tann\tho"})}, {"2/2.tsv", faulty}}));
  EXPECT_EQ(reading.format, "ubuntu_v1");
  EXPECT_EQ(reading.lost, 1U);
  EXPECT_TRUE(tells(reading, "corpus:2/2.tsv:1: a line has fewer than four columns"));
}

TEST_F(FormatsTest, OddTimesAreToldAndTheOrderStays) {
  const auto reading = read(
      "2009-03-01T10:05:00.000Z\tann\t\tfirst\n"
      "2009-03-01T10:01:00.000Z\tbob\t\tsecond\n"
      "yesterday\tann\t\tthird\n");
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].turns[1].text, "second");
  EXPECT_TRUE(tells(reading, ":2: messages are not in the order"));
  EXPECT_TRUE(tells(reading, ":3: what should be a time is none"));
}

/// ASCII text as UTF-16, little end first, with its mark or without.
std::string utf16(std::string_view text, std::string_view mark = "\xFF\xFE") {
  std::string bytes(mark);
  for (const char c : text) bytes += {c, '\0'};
  return bytes;
}

TEST_F(FormatsTest, ASourceInUtf16IsRefusedAsAWhole) {
  for (const auto& bytes : {utf16(kGood), utf16(kGood, ""), gzip(utf16(kGood))})
    EXPECT_NE(read(bytes).damage.find("is UTF-16, not UTF-8"), std::string::npos);
  EXPECT_NE(read(utf16(kGood), "corpus", "jsonl").damage.find("UTF-16"), std::string::npos);
  const auto named = read(tar({{"dialogs/3/1.tsv", utf16("2004-11-15T12:18:00.000Z\ta\t\thi\n")}}));
  EXPECT_NE(named.damage.find("dialogs/3/1.tsv: is UTF-16"), std::string::npos) << named.damage;
}

TEST_F(FormatsTest, AnotherFileInUtf16IsPassedOverAndTold) {
  write_file(folder_ / "f/a.jsonl", kGood);
  write_file(folder_ / "f/notes.txt", utf16("notes"));
  for (const auto& reading :
       {read_corpus(folder_ / "f"), read(tar({{"notes.txt", utf16("notes")}, {"a.jsonl", kGood}})),
        read(zip({{"notes.txt", utf16("notes", "")}, {"a.jsonl", kGood}}))}) {
    EXPECT_EQ(reading.damage, "");
    EXPECT_EQ(reading.dialogues.size(), 1U);
    EXPECT_EQ(reading.passed_over, 1U);
    EXPECT_TRUE(tells(reading, "notes.txt: a file is UTF-16, not UTF-8: it is passed over"));
  }
}

TEST_F(FormatsTest, AFolderOfNothingButUtf16SaysSo) {
  write_file(folder_ / "f/a.jsonl", utf16(kGood));
  try {
    read_corpus(folder_ / "f");
    FAIL() << "not refused";
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("a.jsonl: is UTF-16"), std::string::npos);
  }
}

const std::string kBinary = "\x01\x02\x03\n\x04\x05\n";

TEST_F(FormatsTest, AFileOfNoKnownFormatIsAnErrorThatListsThem) {
  try {
    read(kBinary);
    FAIL() << "not refused";
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("jsonl"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("ubuntu_v1"), std::string::npos);
  }
}

TEST_F(FormatsTest, ANamedFormatIsTriedOnAnyFileAndPickedFromAFolder) {
  EXPECT_EQ(read("just prose\n", "p", "jsonl").lost, 1U);
  write_file(folder_ / "f/a.jsonl", kGood);
  write_file(folder_ / "f/2/1.tsv", tsv({"ann\t\thi", "bob\tann\tho"}));
  const auto reading = read_corpus(folder_ / "f", "jsonl");
  EXPECT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].id, "good");
  EXPECT_EQ(reading.passed_over, 1U);
}

TEST_F(FormatsTest, TheSameIdInTwoFilesIsNoDoubleInJsonLines) {
  write_file(folder_ / "f/a.jsonl", kGood);
  write_file(folder_ / "f/b.jsonl", kGood);
  EXPECT_EQ(read_corpus(folder_ / "f").dialogues.size(), 2U);
}

}  // namespace
}  // namespace banter::tests
