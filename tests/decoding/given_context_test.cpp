#include "models/commands/given_context.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace banter::models {
namespace {

std::vector<std::int64_t> speakers(const GivenContext& given) {
  std::vector<std::int64_t> numbers;
  for (const auto& turn : given.turns) numbers.push_back(turn.speaker);
  return numbers;
}

using Numbers = std::vector<std::int64_t>;

TEST(GivenContextTest, ReadsTurnsSeparatedByTabs) {
  const auto given = parse_context("hi\thow are you ?\tfine", "f:1");
  ASSERT_EQ(given.turns.size(), 3U);
  EXPECT_EQ(given.turns[1].text, "how are you ?");
  EXPECT_EQ(speakers(given), (Numbers{1, 2, 1}));
  EXPECT_EQ(given.reply_speaker, 2);
  EXPECT_TRUE(given.id.is_null());
}

TEST(GivenContextTest, NumbersSpeakersInTheOrderTheyCome) {
  const auto given = parse_context(
      R"({"id": 7, "turns": [{"speaker": "bob", "text": "a"}, {"speaker": "ann", "text": "b"},
          {"speaker": "?", "text": "c"}, {"speaker": "bob", "text": "d"}]})",
      "f:1");
  EXPECT_EQ(speakers(given), (Numbers{1, 2, 0, 1}));
  EXPECT_EQ(given.reply_speaker, 2);
  EXPECT_EQ(given.id.as_int64(), 7);
}

TEST(GivenContextTest, LetsUnnamedTurnsAlternate) {
  const auto given = parse_context(R"({"turns": ["a", "b", "c", "d"]})", "f:1");
  EXPECT_EQ(speakers(given), (Numbers{1, 2, 1, 2}));
  EXPECT_EQ(given.reply_speaker, 1);
}

TEST(GivenContextTest, LetsSomeoneNewReplyToASingleSpeaker) {
  EXPECT_EQ(parse_context("hi", "f:1").reply_speaker, 2);
  EXPECT_EQ(parse_context(R"({"turns": [{"speaker": "?", "text": "a"}]})", "f:1").reply_speaker, 0);
}

TEST(GivenContextTest, ObeysWhoReplies) {
  const auto given = parse_context(
      R"({"turns": [{"speaker": "a", "text": "x"}, {"speaker": "b", "text": "y"}],
          "speaker": "c", "reply": "z"})",
      "f:1", /*needs_reply=*/true);
  EXPECT_EQ(given.reply_speaker, 3);
  EXPECT_EQ(given.reply, "z");
}

TEST(GivenContextTest, TakesTheFactsOfWhoReplies) {
  const std::string personas = R"("personas": {"a": ["one"], "b": ["two", "three"]})";
  const std::string turns =
      R"("turns": [{"speaker": "b", "text": "y"}, {"speaker": "a", "text": "x"}])";
  using Facts = std::vector<std::string>;
  EXPECT_EQ(parse_context("{" + turns + ", " + personas + "}", "f:1").facts,
            (Facts{"two", "three"}));
  EXPECT_EQ(parse_context("{" + turns + ", " + personas + R"(, "speaker": "a"})", "f:1").facts,
            Facts{"one"});
  EXPECT_EQ(parse_context(R"({"turns": ["x"], "personas": ["four"]})", "f:1").facts, Facts{"four"});
}

TEST(GivenContextTest, TakesASeed) {
  EXPECT_EQ(parse_context(R"({"turns": ["a"], "seed": 9})", "f:1").seed, 9U);
  EXPECT_EQ(parse_context(R"({"turns": ["a"]})", "f:1").seed, std::nullopt);
  EXPECT_EQ(parse_context(R"({"turns": ["a"], "prefix": "well"})", "f:1").prefix, "well");
  EXPECT_EQ(parse_context(R"({"turns": ["a"]})", "f:1").prefix, std::nullopt);
}

TEST(GivenContextTest, LetsPersonasNameOthersTooWhenWhoRepliesOrSpokeIsAmongThem) {
  const auto facts = [](const std::string& more) {
    return parse_context(
               R"({"turns": [{"speaker": "ann", "text": "x"}], "speaker": "bob", )" + more + "}",
               "f:1")
        .facts;
  };
  EXPECT_EQ(facts(R"("personas": {"bob": ["one"], "eve": ["two"]})").size(), 1U);
  EXPECT_TRUE(facts(R"("personas": {"ann": ["three"]})").empty());
}

TEST(GivenContextTest, SaysWhereAndWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{", "stdin:17"},
      {R"({"turns": []})", "no turn"},
      {R"({})", "no turn"},
      {R"({"turns": "hi"})", "\"turns\" is not a list"},
      {R"({"turns": [1]})", "turn 1"},
      {R"({"turns": ["a", " "]})", "turn 2 has no text"},
      {R"({"turns": [{"speaker": "a"}]})", "text"},
      {R"({"turns": [{"text": 3}]})", "text"},
      {R"({"turns": ["a\u0000b"]})", "NUL"},
      {R"({"turns": ["a"], "trun": 1})", "\"trun\" is unknown"},
      {R"({"turns": ["a"], "personas": 3})", "personas"},
      {R"({"turns": ["a"], "personas": [3]})", "fact 1"},
      {R"({"turns": ["a"], "personas": {"bob": ["b"]}})", "say who replies with \"speaker\""},
      {R"({"turns": ["a"], "speaker": "bob", "personas": {"Bob": ["b"]}})", "nor \"bob\""},
      {R"({"turns": ["a"], "seed": -1})", "\"seed\""},
      {R"({"turns": ["a"], "prefix": " "})", "\"prefix\""},
      {R"({"turns": ["a"], "prefix": 1})", "prefix"},
      {R"({"turns": ["a"], "seed": "1"})", "seed"},
      {"a\t\tb", "turn 2 has no text"},
      {"a\xff", "byte 2 is not UTF-8"},
  };
  for (const auto& [line, part] : cases) {
    try {
      (void)parse_context(line, "stdin:17");
      ADD_FAILURE() << line << " was accepted";
    } catch (const base::DataError& error) {
      EXPECT_NE(std::string(error.what()).find("stdin:17"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

TEST(GivenContextTest, WantsAReplyToScore) {
  EXPECT_THROW((void)parse_context(R"({"turns": ["a"]})", "f:1", true), base::DataError);
  EXPECT_THROW((void)parse_context("a\tb", "f:1", true), base::DataError);
}

}  // namespace
}  // namespace banter::models
