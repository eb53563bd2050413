#include "data/formats/json/personal_dialog.h"

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/reading_test.h"

namespace banter::tests {
namespace {

class PersonalDialogTest : public ReadingTest {};

using Lines = std::vector<std::string>;
using Personas = std::vector<std::pair<std::string, std::vector<std::string>>>;

const std::string kAnn = R"({"tag": ["茶;登山"], "loc": "北京 东城区", "gender": "female"})";
const std::string kBo = R"({"tag": [""], "loc": "", "gender": "male"})";
const std::string kNobody = R"({"tag": [""], "loc": "", "gender": ""})";

/// A record of texts by turns, two profiles, and what else stands in it.
std::string record(const std::string& dialog, const std::string& uid,
                   const std::string& profiles = kAnn + "," + kBo, const std::string& more = "") {
  return R"({"dialog": )" + dialog + R"(, "profile": [)" + profiles + R"(], "uid": )" + uid + more +
         "}";
}

const std::string kGood = record(R"([["水 开 了"], ["来 喝 茶  吧"]])", "[0, 1]");

TEST_F(PersonalDialogTest, UidsAreSpeakersAndProfilesAreFacts) {
  const auto reading =
      read(kGood + "\n" + record(R"([["a"], ["b"], ["c"], ["d"]])", "[1, 1, 0, 1]") + "\n");
  EXPECT_EQ(reading.format, "personal_dialog");
  EXPECT_EQ(reading.problems, Lines{});
  ASSERT_EQ(reading.dialogues.size(), 2U);
  const auto& d = reading.dialogues[0];
  EXPECT_EQ(d.id, "1");
  EXPECT_EQ(lines_said(d), (Lines{"0: 水 开 了", "1: 来 喝 茶  吧"})) << "byte for byte";
  EXPECT_EQ(d.personas,
            (Personas{{"0", {"tag: 茶", "tag: 登山", "loc: 北京 东城区", "gender: female"}},
                      {"1", {"gender: male"}}}));
  EXPECT_EQ(lines_said(reading.dialogues[1]), (Lines{"1: a", "1: b", "0: c", "1: d"}));
}

TEST_F(PersonalDialogTest, TextsAndTagsMayBeStringsToo) {
  const auto reading = read(record(R"(["a", ["b"]])", "[0, 1]",
                                   R"({"tag": "x; y;;", "loc": "上海"}, {"tag": ["p", "q;r"]})"));
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(lines_said(reading.dialogues[0]), (Lines{"0: a", "1: b"}));
  EXPECT_EQ(reading.dialogues[0].personas, (Personas{{"0", {"tag: x", "tag: y", "loc: 上海"}},
                                                     {"1", {"tag: p", "tag: q", "tag: r"}}}));
}

TEST_F(PersonalDialogTest, AnEmptyProfileIsNoPersona) {
  const auto reading = read(record(R"([["a"], ["b"]])", "[0, 1]", kNobody + "," + kBo));
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].personas, (Personas{{"1", {"gender: male"}}}));
}

TEST_F(PersonalDialogTest, AnArrayIsReadByElements) {
  const auto reading = read("[" + kGood + ",\n {\"dialog\": []},\n" + kGood + "]");
  EXPECT_EQ(reading.format, "personal_dialog");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(reading.dialogues[1].id, "3") << "lost ones are counted";
  EXPECT_TRUE(tells(reading, ":element 2: a field is missing (profile)"));
}

struct Response {
  std::string uid, profiles, more;
  std::string speaker;
};

std::ostream& operator<<(std::ostream& out, const Response& row) { return out << row.more; }

class GoldenResponseTest : public PersonalDialogTest,
                           public testing::WithParamInterface<Response> {};

TEST_P(GoldenResponseTest, IsATurnOfTheResponder) {
  const auto& [uid, profiles, more, speaker] = GetParam();
  const auto reading = read(record(R"([["a"], ["b"]])", uid, profiles,
                                   R"(, "golden_response": ["gold"], "x": 1)" + more));
  ASSERT_EQ(reading.dialogues.size(), 1U);
  const auto& turns = reading.dialogues[0].turns;
  ASSERT_EQ(turns.size(), 3U);
  EXPECT_EQ(turns[2].text, "gold");
  EXPECT_EQ(turns[2].speaker, speaker);
}

INSTANTIATE_TEST_SUITE_P(
    Responders, GoldenResponseTest,
    testing::Values(Response{"[0, 1]", kAnn + "," + kBo, R"(, "responder_profile": )" + kAnn, "0"},
                    Response{"[1, 0]", kAnn + "," + kBo, R"(, "responder_profile": )" + kBo, "1"},
                    Response{"[0, 1]", kAnn + "," + kBo, R"(, "response_profile": )" + kAnn, "0"},
                    // Alike: rather the other one than who spoke last.
                    Response{"[1, 0]", kBo + "," + kBo, R"(, "responder_profile": )" + kBo, "1"},
                    Response{"[0, 1]", kAnn + "," + kBo, R"(, "responder_profile": )" + kBo, "1"},
                    // Nobody's: somebody new.
                    Response{"[0, 1]", kAnn + "," + kBo,
                             R"(, "responder_profile": {"loc": "西安"})", "2"},
                    Response{"[0, 1]", kAnn + "," + kBo, R"(, "responder_profile": null)", "?"},
                    Response{"[0, 1]", kAnn + "," + kBo, "", "?"}));

TEST_F(PersonalDialogTest, ASecondSpeakerMayOnlyGiveTheGoldenResponse) {
  const auto reading =
      read(record(R"([["a"]])", "[0]", kAnn,
                  R"(, "golden_response": "gold", "responder_profile": {"loc": "西安"})"));
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(lines_said(reading.dialogues[0]), (Lines{"0: a", "1: gold"}));
  EXPECT_EQ(reading.dialogues[0].personas[1], (Personas::value_type{"1", {"loc: 西安"}}));
}

TEST_F(PersonalDialogTest, AMissingResponseIsNoTurn) {
  const auto reading = read(record(R"([["a"], ["b"]])", "[0, 1]", kAnn + "," + kBo,
                                   R"(, "golden_response": null, "responder_profile": null)"));
  ASSERT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.dialogues[0].turns.size(), 2U);
}

TEST_F(PersonalDialogTest, AFaultLosesItsRecordAloneAndIsNamed) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{\"dialog\": [", "not JSON"},
      {"[1]", "wrong type (the record is no object)"},
      {R"({"profile": [], "uid": []})", "a field is missing (dialog)"},
      {R"({"dialog": [["a"]], "profile": []})", "a field is missing (uid)"},
      {record("[]", "[]"), "a dialogue has no turns"},
      {record(R"([["a"], ["b"]])", "[0]"), "a dialogue has not one uid for each text (1 for 2)"},
      {record(R"([["a"], ["b"]])", "[0, 1, 0]"), "a dialogue has not one uid for each text"},
      {record(R"([["a"], ["b"]])", "[0, 2]"), "a uid has no profile (2)"},
      {record(R"([["a"], ["b"]])", "[0, -1]"), "a uid is no number"},
      {record(R"([["a"], ["b"]])", "[0, \"1\"]"), "a uid is no number"},
      {record(R"([["a"], ["b", "c"]])", "[0, 1]"), "a list of none or several texts"},
      {record(R"([["a"], []])", "[0, 1]"), "a list of none or several texts"},
      {record(R"([["a"], [7]])", "[0, 1]"), "a turn is no string"},
      {record(R"([["a"], [" "]])", "[0, 1]"), "a turn is blank (turn 2)"},
      {record(R"([["a"], ["b\u0000"]])", "[0, 1]"), "a text holds NUL (turn 2)"},
      {record(R"([["a"], ["b)"
              "\xFF"
              R"("]])",
              "[0, 1]"),
       "a text is not valid UTF-8"},
      {record(R"([["a"], ["b"]])", "[0, 1]", kAnn + R"(, {"loc": 4})"), "loc is no string"},
      {record(R"([["a"], ["b"]])", "[0, 1]", kAnn + R"(, {"loc": "\u0000x"})"), "holds NUL (loc)"},
      {record(R"([["a"], ["b"]])", "[0, 1]", kAnn + R"(, {"loc": "x", "loc": "y"})"), "twice"},
      {record(R"([["a"], ["b"]])", "[0, 1]", kAnn + ",4"), "a profile is no object"},
      {record(R"([["a"], ["b"], ["c"], ["d"], ["e"]])", "[0, 1, 0, 1, 0]"), "more turns than"},
      {record(R"([["a"], ["b"], ["c"], ["d"]])", "[0, 1, 0, 1]", kAnn + "," + kBo,
              R"(, "golden_response": ["e"])"),
       "more turns than"},
      {record(R"([["a"], ["b"]])", "[0, 1]", kAnn + "," + kBo, R"(, "golden_response": "")"),
       "a turn is blank (turn 3)"},
      {record("[[\"" + std::string(1000, 'a') + "\"]]", "[0]"), "longer than"},
  };
  for (const auto& [line, rule] : bad) {
    const auto reading =
        read(kGood + "\n" + line + "\n" + kGood + "\n", {.max_line_bytes = 1000, .max_turns = 4});
    ASSERT_EQ(reading.dialogues.size(), 2U) << rule;
    EXPECT_EQ(reading.dialogues[1].id, "3") << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, rule)) << rule << " <- " << reading.problems.at(0);
    EXPECT_TRUE(tells(reading, "corpus:2: ")) << rule;
  }
}

TEST(PersonalDialogRecognitionTest, OnlyItsThreeKeysTogetherAreTakenForIt) {
  using data::recognises_personal_dialog;
  EXPECT_NE(recognises_personal_dialog(kGood), "");
  EXPECT_NE(recognises_personal_dialog(" [\n" + kGood), "");
  for (const std::string& head :
       {std::string(), json_line("x", {"dialog", "profile"}), "x" + kGood,
        std::string(R"({"dialog": [["a"]], "profile": []})"),
        std::string(R"([{"sentence1": "a", "sentence2": "b", "label": "neutral"}])")})
    EXPECT_EQ(recognises_personal_dialog(head), "") << head;
}

}  // namespace
}  // namespace banter::tests
