#include <cmath>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/integration/persona_desk.h"

/// `banter chat` with a persona that changes, a classifier that judges by it, and drafts.
namespace banter::tests {
namespace {

namespace json = base::json;

class PersonaChatTest : public PersonaDeskTest {};

TEST_F(PersonaChatTest, APersonaChangesWhileAChatGoesOn) {
  base::write_durably(desk().folder() / "bo.txt", "i have a cat\n\nI like tea\n");
  const auto made = desk().banter(
      {"chat", "stack", "--persona", "bo.txt", "--nli", "nli", "--json", "--quiet"},
      "what do you have\n/persona 1 i have no cat\nwhat do you have\n/persona add i have a dog\n"
      "/persona drop 2\n/persona\n/consistency\nwhat do you have\n/reset\n/persona clear\n"
      "what do you have\n");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::vector<json::object> said;
  std::istringstream lines(made.out);
  for (std::string line; std::getline(lines, line);)
    said.push_back(base::parse_json(line, "chat").as_object());
  ASSERT_EQ(said.size(), 6U);
  const auto facts = [&](std::size_t i) {
    std::string texts;
    for (const auto& fact : said[i].at("consistency").as_array())
      texts += std::string(fact.at("text").as_string()) + "|";
    return texts;
  };
  EXPECT_EQ(facts(0), "i have a cat|I like tea|");
  EXPECT_EQ(facts(1), "i have no cat|I like tea|");
  EXPECT_EQ(json::serialize(said[2].at("persona")), R"(["i have no cat","i have a dog"])");
  EXPECT_EQ(facts(3), "i have no cat|i have a dog|") << "of the persona as it is now";
  EXPECT_EQ(facts(5), "");
  // The same replies as to the same contexts from the beginning.
  const auto reply = [&](std::size_t i) { return std::string(said[i].at("reply").as_string()); };
  const json::array first = {"what do you have"};
  json::array second = first;
  second.emplace_back(reply(0));
  second.emplace_back(first[0]);
  const auto log_prob = [](const json::object& object) {
    return object.at("log_prob").to_number<double>();
  };
  const auto fresh = [&](const json::array& turns, const json::array& persona) {
    base::write_durably(desk().folder() / "one.jsonl",
                        json::serialize(json::object{{"turns", turns}, {"personas", persona}}));
    return desk().answer({"generate", "stack", "one.jsonl"});
  };
  const auto expect_same = [&](std::size_t i, const json::object& wanted) {
    EXPECT_EQ(reply(i), std::string(wanted.at("reply").as_string()));
    EXPECT_NEAR(log_prob(said[i]), log_prob(wanted), 1e-4);
  };
  expect_same(0, fresh(first, {"i have a cat", "I like tea"}));
  expect_same(1, fresh(second, {"i have no cat", "I like tea"}));
  EXPECT_GT(std::abs(log_prob(said[1]) - log_prob(fresh(second, {"i have a cat", "I like tea"}))),
            1e-3)
      << "the persona makes no difference";
  expect_same(5, fresh(first, {}));
}

TEST_F(PersonaChatTest, AChatShowsHowTheLastReplyStandsToEachLine) {
  base::write_durably(desk().folder() / "bo.txt", "i have a cat\ni like tea\n");
  const auto made = desk().banter({"chat", "talk", "--persona", "bo.txt", "--nli", "nli"},
                                  "/consistency\n/persona\nhi\n/persona\n/consistency on\nhi\n"
                                  "/persona clear\n/persona\n");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::vector<std::string> lines;
  std::istringstream out(made.out);
  for (std::string line; std::getline(out, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 10U) << made.out;
  EXPECT_EQ(lines[0], "there is no reply yet");
  EXPECT_EQ(lines[1], "1  i have a cat") << "not judged yet";
  const std::regex judged("1  (entailed|neutral|contradicted) +[01]\\.[0-9]{2}  i have a cat");
  EXPECT_TRUE(std::regex_match(lines[4], judged)) << lines[4];
  EXPECT_TRUE(std::regex_match(lines[7], judged)) << lines[7];
  EXPECT_NE(lines[9].find("there is no persona"), std::string::npos);
}

TEST_F(PersonaChatTest, AChatShowsDrafts) {
  const auto plain = desk().banter({"chat", "stack", "--draft"}, "hi\n/draft off\nhi\n/draft\n");
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_NE(plain.out.find("\ndraft: "), std::string::npos) << plain.out;
  EXPECT_EQ(plain.out.find("\ndraft: "), plain.out.rfind("\ndraft: ")) << "it was switched off";
  EXPECT_NE(plain.out.find("none was made"), std::string::npos);
  const auto object =
      base::parse_json(desk().banter({"chat", "stack", "--draft", "--json"}, "hi\n").out, "chat");
  base::write_durably(desk().folder() / "hi.txt", "hi\n");
  const auto generated = desk().answer({"generate", "stack", "hi.txt", "--draft"});
  EXPECT_EQ(object.at("draft").at("reply"), generated.at("draft").at("reply"));
  EXPECT_EQ(object.at("reply"), generated.at("reply"));
  expect_failure(desk().banter({"chat", "talk", "--draft"}), 2, "has no draft decoder");
  expect_failure(desk().banter({"chat", "talk"}, "/draft on\n"), 1, "stdin:1: draft: hred has no");
}

TEST_F(PersonaChatTest, AnOddPersonaWorksOrIsOneSentence) {
  const auto chat = [&](const std::string& persona, const std::string& run = "talk",
                        const std::string& lines = "hi\n") {
    base::write_durably(desk().folder() / "odd.txt", persona);
    return desk().banter({"chat", run, "--persona", "odd.txt", "--nli", "nli", "--json"}, lines);
  };
  const auto judged = [](const ProcessResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto object = base::parse_json(result.out, "chat").as_object();
    return object.at("consistency").as_array();
  };
  std::string many;
  for (int i = 0; i < 600; ++i) many += i % 2 == 0 ? "i have a dog\n" : "i have no cat\n";
  const auto all = chat(many);
  EXPECT_NE(all.err.find(" of the persona's 600 lines (batch.max_context_tokens is 1024)"),
            std::string::npos)
      << all.err;
  const auto lines = judged(all);
  ASSERT_EQ(lines.size(), 600U);
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_NEAR(lines[i].at("entailment").to_number<double>(),
                lines[i % 2].at("entailment").to_number<double>(), 1e-5)
        << i;
  EXPECT_EQ(judged(chat(many.substr(0, 25 * 27))).size(), 50U);
  const auto longest = chat(std::string(10'000, 'a') + "\n");
  EXPECT_EQ(judged(longest).size(), 1U);
  EXPECT_NE(longest.err.find("of which this model reads the first 100"), std::string::npos)
      << longest.err;
  EXPECT_NE(longest.err.find("longer than the classifier of --nli reads"), std::string::npos);
  const auto blind = chat("i have a dog\n", "blind");
  EXPECT_EQ(judged(blind).size(), 1U);
  EXPECT_NE(blind.err.find("trained without personas"), std::string::npos) << blind.err;
  expect_failure(chat(""), 1, "odd.txt: holds no sentence of a persona");
  expect_failure(chat("b\xFFt\n"), 1, "odd.txt:1: byte 2 is not UTF-8");
  expect_failure(chat(std::string("a\0b\n", 4)), 1, "odd.txt:1: a sentence of a persona must not");
  expect_failure(chat("fine\n", "talk", "/persona 2 text\n"), 1, "stdin:1: /persona: there is no");
  expect_failure(desk().banter({"chat", "talk", "--persona", "-"}), 2, "standard input is what is");
  expect_failure(desk().banter({"chat", "talk", "--nli", "talk"}, "hi\n"), 1,
                 "a classifier of sentence pairs is wanted");
  expect_failure(desk().banter({"chat", "talk"}, "/consistency\n"), 1, "--nli");
}

}  // namespace
}  // namespace banter::tests
