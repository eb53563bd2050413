#include "data/export/json_lines.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/random.h"
#include "base/utf8.h"
#include "data/formats/json/jsonl.h"
#include "data/formats/pairs/pairs.h"

namespace banter::tests {
namespace {

using data::Dialogue;
using data::Pair;
using namespace std::string_literals;

/// Takes all records of a reader, and its problems as text.
struct Found : data::Receiver {
  std::vector<data::Record> records;
  std::vector<std::string> problems;
  void record(data::Record&& record, const data::Place&) override {
    records.push_back(std::move(record));
  }
  void problem(const data::Problem& problem) override { problems.push_back(problem.text()); }
};

template <typename Read>
Found found_in(const std::string& text, Read read) {
  std::string_view rest = text;
  data::InputStream stream({"made", "", 0, 0}, "made", [&](char* buffer, std::size_t size) {
    const auto count = std::min(size, rest.size());
    std::memcpy(buffer, rest.data(), count);
    rest.remove_prefix(count);
    return count;
  });
  Found found;
  read(stream, data::ReadLimits{}, found);
  return found;
}

/// Makes texts that are hard on JSON, lines and UTF-8: a sequence of the seed.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : state_(seed) {}

  std::uint64_t below(std::uint64_t size) {
    state_ = base::mix64(state_);
    return state_ % size;
  }

  /// Maybe empty.
  std::string text() {
    static const std::vector<std::string> kParts = {"\"",
                                                    "\\",
                                                    "/",
                                                    "\\u0041",
                                                    "\\n",
                                                    "{",
                                                    "}",
                                                    "[",
                                                    "]",
                                                    ",",
                                                    ":",
                                                    "'",
                                                    "<s>",
                                                    "null",
                                                    " ",
                                                    "  ",
                                                    "\t",
                                                    "\n",
                                                    "\r",
                                                    "\r\n",
                                                    "\x01",
                                                    "\b",
                                                    "\f",
                                                    "\x1B[31m",
                                                    "\x1F",
                                                    "\x7F",
                                                    "\xC2\x85",
                                                    "\xC3\xA9",
                                                    "e\xCC\x81",
                                                    "\xD7\xA9",
                                                    "\xE4\xBD\xA0\xE5\xA5\xBD",
                                                    "\xE2\x80\xA8",
                                                    "\xE2\x80\xA9",
                                                    "\xE2\x80\xAE",
                                                    "\xE2\x96\x81",
                                                    "\xEF\xBB\xBF",
                                                    "\xEF\xBF\xBD",
                                                    "\xEF\xBF\xBF",
                                                    "\xF0\x9F\x99\x82",
                                                    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
                                                    "\xF4\x8F\xBF\xBF",
                                                    "word",
                                                    "\"turns\": [",
                                                    "\"premise\": \"",
                                                    "\"hypothesis\":"};
    std::string text;
    for (auto parts = below(8); parts > 0; --parts) text += kParts[below(kParts.size())];
    return text;
  }

  std::string said() { return text() + "word" + text(); }

  std::vector<std::string> many(std::uint64_t most) {
    std::vector<std::string> texts(below(most + 1));
    for (auto& text : texts) text = said();
    return texts;
  }

  Dialogue dialogue(std::size_t number) {
    Dialogue dialogue;
    dialogue.id = text() + std::to_string(number);
    if (below(2) == 0) dialogue.group = text();
    const std::array speakers = {"A" + text(), "B" + text(), "?"s};
    for (auto turns = below(5) + 1; turns > 0; --turns) {
      data::Turn turn{speakers[below(3)], said() + std::to_string(turns),
                      below(2) == 0 ? text() : ""};
      for (const auto& distractor : many(3)) turn.distractors.push_back("never " + distractor);
      if (!dialogue.turns.empty()) turn.distractors.push_back(dialogue.turns.front().text);
      dialogue.turns.push_back(std::move(turn));
    }
    for (auto keys = below(3); keys > 0; --keys)
      dialogue.meta.emplace_back(std::to_string(keys) + text(), text());
    for (auto who = below(4); who > 0; --who)
      if (auto facts = many(3); !facts.empty())
        dialogue.personas.emplace_back(speakers[who - 1], std::move(facts));
    return dialogue;
  }

  Pair pair(std::size_t number) {
    return {text() + std::to_string(number),    said(), said(),
            static_cast<data::Label>(below(3)), text(), text()};
  }

 private:
  std::uint64_t state_;
};

bool is_one_line(const std::string& text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

constexpr std::size_t kRecords = 2000;

TEST(JsonLinesTest, AnyDialogueIsReadBackEqual) {
  Maker maker(1);
  std::vector<Dialogue> dialogues;
  std::string lines;
  for (std::size_t i = 0; i < kRecords; ++i) {
    dialogues.push_back(maker.dialogue(i));
    const auto line = data::to_json_line(dialogues.back());
    ASSERT_TRUE(is_one_line(line)) << base::printable(line, 2000);
    lines += line + "\n";
  }
  const auto found = found_in(lines, data::read_jsonl);
  EXPECT_EQ(found.problems, std::vector<std::string>{});
  ASSERT_EQ(found.records.size(), kRecords);
  for (std::size_t i = 0; i < kRecords; ++i)
    ASSERT_EQ(std::get<Dialogue>(found.records[i]), dialogues[i])
        << base::printable(data::to_json_line(dialogues[i]), 2000);
}

TEST(JsonLinesTest, AnyPairIsReadBackEqual) {
  Maker maker(2);
  std::vector<Pair> pairs;
  std::string lines;
  for (std::size_t i = 0; i < kRecords; ++i) {
    pairs.push_back(maker.pair(i));
    const auto line = data::to_json_line(pairs.back());
    ASSERT_TRUE(is_one_line(line)) << base::printable(line, 2000);
    ASSERT_NE(data::recognises_pairs(line), "");
    lines += line + "\n";
  }
  const auto found = found_in(lines, data::read_pairs);
  EXPECT_EQ(found.problems, std::vector<std::string>{});
  ASSERT_EQ(found.records.size(), kRecords);
  for (std::size_t i = 0; i < kRecords; ++i)
    ASSERT_EQ(std::get<Pair>(found.records[i]), pairs[i])
        << base::printable(data::to_json_line(pairs[i]), 2000);
}

TEST(JsonLinesTest, WhatIsNotThereIsLeftOutAndLettersStayAsTheyAre) {
  const Dialogue plain{"x", "", {}, {}, {{"A", "caf\xC3\xA9 \xF0\x9F\x99\x82", ""}}};
  EXPECT_EQ(
      data::to_json_line(plain),
      "{\"id\":\"x\",\"turns\":[{\"speaker\":\"A\",\"text\":\"caf\xC3\xA9 \xF0\x9F\x99\x82\"}]}");
  const Dialogue full{"x",
                      "a group",
                      {{"k", "v"}},
                      {{"A", {"i row ."}}},
                      {{"A", "hi", "noon", {"no", "so \"so\""}}}};
  EXPECT_EQ(
      data::to_json_line(full),
      R"({"id":"x","meta":{"k":"v"},"group":"a group","turns":[{"speaker":"A","text":"hi","time":"noon",)"
      R"("distractors":["no","so \"so\""]}],"personas":{"A":["i row ."]}})");
  EXPECT_EQ(data::to_json_line(Pair{"7", "a", "b", data::Label::kNeutral, "", "g"}),
            R"({"id":"7","premise":"a","hypothesis":"b","label":"neutral","source":"",)"
            R"("group":"g"})");
}

TEST(JsonLinesTest, WhatAnObjectCannotHoldIsRefused) {
  Dialogue dialogue{"x", "", {{"k", "v"}, {"k", "w"}}, {}, {{"A", "hi", ""}}};
  EXPECT_THROW(data::to_json_line(dialogue), base::DataError);
  dialogue.meta.clear();
  dialogue.personas = {{"A", {"i row ."}}, {"A", {"i swim ."}}};
  EXPECT_THROW(data::to_json_line(dialogue), base::DataError);
}

TEST(JsonLinesDistractorsTest, TheTrueReplyIsLeftOutAndToldAndAFaultyOneLosesTheDialogue) {
  const auto line = [](const std::string& distractors) {
    return R"({"id": "x", "turns": [{"speaker": "A", "text": "hi"}, {"speaker": "B", "text": "ho",)"
           R"( "distractors": )" +
           distractors + "}]}\n";
  };
  const auto found = found_in(line(R"(["ho", "never", "hi", "never"])"), data::read_jsonl);
  ASSERT_EQ(found.records.size(), 1U);
  EXPECT_EQ(std::get<Dialogue>(found.records[0]).turns[1].distractors,
            (std::vector<std::string>{"never", "hi", "never"}));
  EXPECT_EQ(found.problems, std::vector<std::string>{
                                "made:1: a distractor is the true reply: it is left out (turn 2)"});
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"(["a", " "])", "a distractor is blank (turn 2)"},
      {R"(["a\u0000"])", "a text holds NUL (turn 2)"},
      {R"(["a", 1])", "a field has the wrong type (a distractor is no string)"},
      {R"("a")", "a field has the wrong type (distractors is no array)"}};
  for (const auto& [distractors, rule] : bad) {
    const auto lost = found_in(line(distractors), data::read_jsonl);
    EXPECT_TRUE(lost.records.empty()) << distractors;
    EXPECT_EQ(lost.problems, std::vector<std::string>{"made:1: " + rule});
  }
}

TEST(JsonLinesPersonasTest, TheUnknownSpeakerUnderTwoNamesIsOne) {
  const auto found = found_in(R"({"id": "x", "turns": [{"text": "a"}, {"text": "b"}],)"
                              R"( "personas": {"": ["c"], "A": ["d"], "?": ["e"]}})",
                              data::read_jsonl);
  ASSERT_EQ(found.records.size(), 1U);
  const auto& dialogue = std::get<Dialogue>(found.records[0]);
  ASSERT_EQ(dialogue.personas.size(), 2U);
  EXPECT_EQ(dialogue.personas[0].second, (std::vector<std::string>{"c", "e"}));
  EXPECT_NO_THROW(data::to_json_line(dialogue));
}

}  // namespace
}  // namespace banter::tests
