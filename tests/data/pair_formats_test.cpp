#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/formats/formats.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using data::Label;

class PairFormatsTest : public testing::Test {
 protected:
  Reading read(std::string_view bytes, const std::string& format = "auto",
               const data::ReadLimits& limits = {}) {
    write_file(folder_ / "corpus", bytes);
    return read_corpus(folder_ / "corpus", format, limits);
  }
  TemporaryFolder folder_;
};

std::string pair_line(const std::string& premise, const std::string& hypothesis,
                      const std::string& label, const std::string& more = "") {
  return R"({"premise": ")" + premise + R"(", "hypothesis": ")" + hypothesis + R"(", "label": ")" +
         label + '"' + more + "}\n";
}

std::string nli_object(const std::string& id, const std::string& label,
                       const std::string& sentence = "we sail at dawn .") {
  return R"({"sentence1": ")" + sentence + R"(", "sentence2": "we have a boat .", "label": ")" +
         label + R"(", "id": ")" + id + R"("})";
}

std::string mnli_line(const std::string& label, const std::string& more = "") {
  return R"({"gold_label": ")" + label +
         R"(", "sentence1": "the mill burnt down .", "sentence2": "there was a fire .")" + more +
         "}\n";
}

TEST_F(PairFormatsTest, OwnPairsGiveWhatTheyHold) {
  const auto reading =
      read(pair_line(" two  spaces ", "caf\\u00e9", "contradiction",
                     R"(, "x": 1, "source": "hand", "group": "talk 7", "id": "p")") +
           "\n" + pair_line("a", "b", "neutral"));
  EXPECT_EQ(reading.format, "pairs");
  EXPECT_TRUE(reading.problems.empty());
  ASSERT_EQ(reading.pairs.size(), 2U);
  EXPECT_EQ(reading.pairs[0], (data::Pair{"p", " two  spaces ", "caf\xC3\xA9",
                                          Label::kContradiction, "hand", "talk 7"}));
  EXPECT_EQ(reading.pairs[1], (data::Pair{"#3", "a", "b", Label::kNeutral, "", ""}));
}

TEST_F(PairFormatsTest, APairWithoutAnIdIsNumberedByItsLineOrElement) {
  const auto good = pair_line("a", "b", "neutral");
  const auto lines = read(good + "broken\n\n" + std::string(2000, 'x') + "\n" + good, "pairs",
                          {.max_line_bytes = 1000});
  ASSERT_EQ(lines.pairs.size(), 2U);
  EXPECT_EQ(lines.pairs[1].id, "#5");
  const auto array = read("[" + good + ", 7, " + good + "]");
  ASSERT_EQ(array.pairs.size(), 2U);
  EXPECT_EQ(array.pairs[1].id, "#3");
  EXPECT_TRUE(tells(array, ":element 2: a field has the wrong type"));
}

TEST_F(PairFormatsTest, AGivenIdIsNeverANumberThatAnotherPairGets) {
  const auto reading = read(pair_line("a", "b", "neutral", R"(, "id": "3")") +
                            pair_line("a", "c", "neutral", R"(, "id": "4")") +
                            pair_line("a", "d", "neutral") + pair_line("a", "e", "neutral"));
  EXPECT_EQ(reading.problems, std::vector<std::string>{});
  ASSERT_EQ(reading.pairs.size(), 4U);
  EXPECT_EQ(reading.pairs[2].id, "#3");
  EXPECT_EQ(reading.pairs[3].id, "#4");
}

TEST_F(PairFormatsTest, AFaultLosesItsPairAloneAndIsNamed) {
  const auto good = pair_line("first", "b", "neutral");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {pair_line("a", " \\t ", "neutral"), "a sentence is blank (hypothesis)"},
      {pair_line("", "b", "neutral"), "a sentence is blank (premise)"},
      {pair_line("a\\u0000", "b", "neutral"), "a text holds NUL (premise)"},
      {pair_line("a\xFF", "b", "neutral"), "not valid UTF-8"},
      {pair_line("a", "b", "neutral", R"(, "source": 3)"), "wrong type (source is no string)"},
      {pair_line("a", "b", "neutral", R"(, "group": "g\u0000")"), "a text holds NUL (group)"},
      {pair_line("a", "b", "neutral", R"(, "premise": "c")"), "a key stands twice"},
      {pair_line("a", "b", "Neutral"), R"(a label is unknown ("Neutral"))"},
      {pair_line("a", "b", "positive"), R"(a label is unknown ("positive"))"},
      {"{\"premise\": \"a\", \"label\": \"neutral\"}\n", "a field is missing (hypothesis)"},
      {"{\"premise\": \"a\", \"hypothesis\": \"b\"}\n", "a field is missing (label)"},
      {R"({"premise": "a", "hypothesis": "b", "label": 1})" + std::string("\n"), "label is no"},
  };
  for (const auto& [line, rule] : bad) {
    const auto reading = read(good + line + pair_line("last", "b", "neutral"));
    EXPECT_EQ(reading.pairs.size(), 2U) << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, "skip ") && tells(reading, "corpus:2:")) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule << " <- " << reading.problems.at(0);
  }
}

TEST_F(PairFormatsTest, DialogueNliIsAnArrayOrOneObjectALine) {
  const std::vector<std::string> objects = {nli_object("t_0", "positive"),
                                            nli_object("t_1", "neutral", "b"),
                                            nli_object("t_2", "negative", "c")};
  const auto array =
      read("\xEF\xBB\xBF[" + objects[0] + ",\r\n" + objects[1] + ", " + objects[2] + "]");
  const auto lines = read(objects[0] + "\n" + objects[1] + "\r\n" + objects[2]);
  ASSERT_EQ(array.pairs.size(), 3U);
  EXPECT_EQ(array.pairs, lines.pairs);
  EXPECT_EQ(array.format, "dialogue_nli");
  EXPECT_EQ(lines.format, "dialogue_nli");
  EXPECT_EQ(array.pairs[0], (data::Pair{"t_0", "we sail at dawn .", "we have a boat .",
                                        Label::kEntailment, "", ""}));
  EXPECT_EQ(array.pairs[1].label, Label::kNeutral);
  EXPECT_EQ(array.pairs[2].label, Label::kContradiction);
  EXPECT_TRUE(array.problems.empty());
}

TEST_F(PairFormatsTest, ACutArrayKeepsItsWholeElementsAndNamesElementAndByte) {
  const auto whole = "[" + nli_object("t_0", "positive") + ", " + nli_object("t_1", "neutral", "b");
  const auto cut = whole + R"(, {"sentence1": "we s)";
  const auto reading = read(cut);
  EXPECT_EQ(reading.pairs.size(), 2U);
  EXPECT_EQ(reading.lost, 1U);
  EXPECT_TRUE(tells(reading, "corpus:element 3: the document ends inside an element (byte " +
                                 std::to_string(cut.size()) + ")"));
  const auto no_bracket = read(whole);
  EXPECT_EQ(no_bracket.pairs.size(), 2U);
  EXPECT_EQ(no_bracket.lost, 0U);
  EXPECT_TRUE(tells(no_bracket, "note ") && tells(no_bracket, "the file may be cut"));
}

TEST_F(PairFormatsTest, AnArrayThatNestsTooDeepIsRefusedAndALineIsLost) {
  const auto deep = std::string(60, '[') + std::string(60, ']');
  const auto record = [&](const std::string& id) {
    return R"({"x": )" + deep + ", " + nli_object(id, "neutral", id).substr(1);
  };
  EXPECT_EQ(read(record("a") + "\n" + record("b"), "auto", {.max_depth = 100}).pairs.size(), 2U);
  EXPECT_EQ(read("[" + record("a") + "]", "auto", {.max_depth = 100}).pairs.size(), 1U);
  const data::ReadLimits limits{.max_depth = 50};
  const auto lines = read(record("a") + "\n" + nli_object("b", "neutral"), "auto", limits);
  EXPECT_EQ(lines.pairs.size(), 1U);
  EXPECT_EQ(lines.lost, 1U);
  const auto array =
      read("[" + nli_object("b", "neutral") + ", " + record("a") + "]", "auto", limits);
  EXPECT_NE(array.damage.find("corpus:element 2: JSON is nested deeper than data.max_json_depth"),
            std::string::npos)
      << array.damage;
}

TEST_F(PairFormatsTest, UnknownLabelsAreListedOnceAFileWithTheirCounts) {
  std::string lines = pair_line("good", "b", "neutral");
  for (int i = 0; i < 7; ++i) lines += pair_line(std::to_string(i), "b", "maybe");
  lines += pair_line("a", "b", "Neutral") + pair_line("a", "c", "\\u0007");
  const auto reading = read(lines);
  EXPECT_EQ(reading.pairs.size(), 1U);
  EXPECT_EQ(reading.lost, 9U);
  EXPECT_TRUE(
      tells(reading, R"(note )" + (folder_ / "corpus").string() +
                         R"(: unknown labels were seen ("Neutral" 1, "\x07" 1, "maybe" 7))"));

  std::string many = pair_line("good", "b", "neutral");
  for (int i = 0; i < 100; ++i) many += pair_line("a", "b", "label " + std::to_string(i));
  EXPECT_TRUE(tells(read(many), "others 80"));
  EXPECT_FALSE(tells(read(pair_line("good", "b", "neutral")), "unknown"));
}

TEST_F(PairFormatsTest, MnliKeepsGenreAndPromptAndLeavesOutWhatHasNoGoldLabel) {
  const auto reading =
      read(mnli_line("entailment", R"(, "pairID": "7e", "promptID": "7", "genre": "letters")") +
           mnli_line("-", R"(, "pairID": "8n", "promptID": "8")") +
           mnli_line("contradiction", R"(, "captionID": "boat.jpg#1", "pairID": "9c")") +
           mnli_line("neutral"));
  EXPECT_EQ(reading.format, "mnli");
  ASSERT_EQ(reading.pairs.size(), 3U);
  EXPECT_EQ(reading.pairs[0], (data::Pair{"7e", "the mill burnt down .", "there was a fire .",
                                          Label::kEntailment, "letters", "7"}));
  EXPECT_EQ(reading.pairs[1].group, "boat.jpg#1");
  EXPECT_EQ(reading.pairs[1].source, "");
  EXPECT_EQ(reading.pairs[2].id, "#4");
  EXPECT_EQ(reading.pairs[2].group, "");
  EXPECT_EQ(reading.lost, 1U);
  EXPECT_TRUE(tells(reading, "note ") && tells(reading, "corpus:2: a pair has no gold label"));
  EXPECT_FALSE(tells(reading, "skip "));
}

TEST_F(PairFormatsTest, ATableIsReadByTheNamesOfItsColumnsAndHasNoQuoting) {
  const auto reading = read(
      "\xEF\xBB\xBFgold_label\tparse\tsentence2\tgenre\tpairID\tsentence1\tpromptID\r\n"
      "neutral\t( a )\t\"an open quote\tletters\t1n\tsay \"\"yes\"\" \t1\r\n"
      "\r\n"
      "entailment\t\tb\t\t\ta\t\r\n");
  EXPECT_EQ(reading.format, "mnli");
  ASSERT_EQ(reading.pairs.size(), 2U);
  EXPECT_EQ(reading.pairs[0], (data::Pair{"1n", "say \"\"yes\"\" ", "\"an open quote",
                                          Label::kNeutral, "letters", "1"}));
  EXPECT_EQ(reading.pairs[1], (data::Pair{"#4", "a", "b", Label::kEntailment, "", ""}));
  EXPECT_TRUE(reading.problems.empty());
}

TEST_F(PairFormatsTest, AFaultyRowOfATableIsLostAlone) {
  const std::string header = "pairID\tsentence1\tsentence2\tgold_label\n";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"1\ta\tb", "a line has other columns than the header (3 instead of 4)"},
      {"1\ta\tb\tc\tneutral", "a line has other columns than the header (5 instead of 4)"},
      {"1\t \tb\tneutral", "a sentence is blank (sentence1)"},
      {"1\ta\tb\xE9\tneutral", "a text is not valid UTF-8 (byte 5 of the line)"},
      {std::string("1\ta\0\tb\tneutral", 14), "a text holds NUL (sentence1)"},
      {"1\ta\tb\thidden", "a label is unknown (\"hidden\")"},
      {"1\ta\tb\t" + std::string(1 << 20, 'x'), "longer than data.max_line_bytes"},
  };
  for (const auto& [row, rule] : bad) {
    const auto reading = read(header + "0\ta\tb\tneutral\n" + row + "\n2\tc\td\tneutral\n");
    EXPECT_EQ(reading.pairs.size(), 2U) << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, "corpus:3: ")) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule << " <- " << reading.problems.at(0);
  }
}

TEST_F(PairFormatsTest, ATableWhoseHeaderDoesNotTellItsColumnsIsRefused) {
  EXPECT_NE(read("0\ta\tb\tneutral\n", "mnli").damage.find(":1: the header names no column"),
            std::string::npos);
  const auto twice = read("sentence1\tsentence2\tsentence1\tgold_label\na\tb\tc\tneutral\n");
  EXPECT_NE(twice.damage.find("names two columns sentence1"), std::string::npos) << twice.damage;
}

TEST_F(PairFormatsTest, EachFormIsTakenForItselfOnly) {
  const auto dialogue = json_line("d", {"\\\"premise\\\": , \\\"hypothesis\\\": ", "sentence1"});
  const std::string with_meta =
      R"({"id": "d", "meta": {"premise": "a", "hypothesis": "b"}, "turns": [)"
      R"({"speaker": "A", "text": "a"}, {"speaker": "B", "text": "b"}]})";
  const std::vector<std::pair<std::string, std::string>> table = {
      {pair_line("the \\\"turns\\\": sentence1", "gold_label", "neutral"), "pairs"},
      {nli_object("a", "neutral"), "dialogue_nli"},
      {mnli_line("neutral", R"(, "label": "neutral")"), "mnli"},
      {"sentence1\tsentence2\tgold_label\n", "mnli"},
      {dialogue, "jsonl"},
      {with_meta, "jsonl"},
      {"premise hypothesis sentence1 sentence2 gold_label\n", "subtitle_lines"},
  };
  for (const auto* keys :
       {R"("premise": "", "hypothesis": "")", R"("sentence1": "", "sentence2": "", "label": "")",
        R"("sentence1": "", "sentence2": "", "gold_label": "")",
        R"("dialog": [], "profile": [], "uid": [])"}) {
    const auto with_keys = "{" + std::string(keys) + ", " + with_meta.substr(1);
    EXPECT_EQ(read(with_keys).format, "jsonl") << with_keys;
  }
  for (const auto& [text, format] : table) EXPECT_EQ(read(text).format, format) << text;
  for (const char* text : {"sentence1\tsentence2\tlabel\na\tb\tneutral\n", R"({"sentence1": "a"})",
                           R"({"premise": "a"})", R"(["premise", "hypothesis"])"})
    EXPECT_THROW(read(text), base::DataError) << text;
}

TEST_F(PairFormatsTest, CopiesAndPairsWithTwoLabelsAreToldOnceEachAndStay) {
  const auto entailed = pair_line("a", "b", "entailment");
  const auto neutral = pair_line("a", "b", "neutral");
  const auto reading =
      read(entailed + neutral + entailed + neutral + pair_line("b", "a", "neutral") +
           pair_line("a b", "c", "neutral") + pair_line("a", "b c", "neutral"));
  EXPECT_EQ(reading.pairs.size(), 7U);
  EXPECT_EQ(reading.lost, 0U);
  ASSERT_EQ(reading.problems.size(), 3U);
  EXPECT_TRUE(tells(reading, "corpus:2: a pair has two labels (first at "));
  EXPECT_TRUE(tells(reading, "corpus:3: a pair stands twice (first at "));
  EXPECT_TRUE(tells(reading, "corpus:4: a pair stands twice (first at "));
}

TEST_F(PairFormatsTest, ARepeatedIdLosesTheLaterPair) {
  const auto reading =
      read("[" + nli_object("t_0", "neutral") + "," + nli_object("t_0", "neutral", "other") + "," +
           nli_object("t_0", "neutral") + "," + nli_object("t_1", "neutral") + "]");
  EXPECT_EQ(reading.pairs.size(), 2U);
  EXPECT_EQ(reading.lost, 2U);
  EXPECT_TRUE(tells(reading, ":element 2: an id stands twice"));
  EXPECT_TRUE(tells(reading, "with other text"));
  EXPECT_TRUE(tells(reading, "an exact copy"));
  EXPECT_TRUE(tells(reading, ":element 4: a pair stands twice"));
}

TEST_F(PairFormatsTest, AnEmptyArrayIsToldAndNoError) {
  for (const char* text : {"[]", "\xEF\xBB\xBF [ \r\n]\n"}) {
    const auto reading = read(text);
    EXPECT_TRUE(tells(reading, "note ") && tells(reading, "an empty JSON array"));
    EXPECT_EQ(reading.lost, 0U);
  }
  EXPECT_THROW(read("[[]]"), base::DataError);
  EXPECT_THROW(read("[] " + std::string(100, ' ') + "x"), base::DataError);
}

}  // namespace
}  // namespace banter::tests
