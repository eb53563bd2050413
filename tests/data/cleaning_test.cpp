#include "data/preparation/cleaning.h"

#include <gtest/gtest.h>

namespace banter::tests {
namespace {

data::Dialogue dialogue(const std::vector<std::pair<std::string, std::string>>& turns) {
  data::Dialogue made;
  for (const auto& [speaker, text] : turns) made.turns.push_back({speaker, text, ""});
  return made;
}

TEST(CleaningTest, MergesRunsOfOneSpeakerWhateverTheCaseOfTheName) {
  auto d = dialogue({{"Mez", "hi"}, {"mez", "there"}, {"ann", "yes"}, {"Mez", "ok"}});
  data::merge_consecutive(d);
  ASSERT_EQ(d.turns.size(), 3U);
  EXPECT_EQ(d.turns[0].text, "hi there");
  EXPECT_EQ(d.turns[0].speaker, "Mez");
}

TEST(CleaningTest, NeverJoinsUnknownSpeakers) {
  auto d = dialogue({{"?", "one"}, {"?", "two"}});
  data::merge_consecutive(d);
  EXPECT_EQ(d.turns.size(), 2U);
  EXPECT_FALSE(data::is_monologue(d));
}

TEST(CleaningTest, SeesAMonologue) {
  EXPECT_TRUE(data::is_monologue(dialogue({{"ann", "a"}, {"ann", "b"}})));
  EXPECT_FALSE(data::is_monologue(dialogue({{"ann", "a"}, {"Ann", "b"}})));  // the corpus says two
  EXPECT_FALSE(data::is_monologue(dialogue({{"ann", "a"}, {"bob", "b"}})));
}

TEST(CleaningTest, LowersLettersOfThreeScriptsAndNothingElse) {
  EXPECT_EQ(data::lower_case("ABC xyz 123 [\\]"), "abc xyz 123 [\\]");
  EXPECT_EQ(data::lower_case("\xC3\x84\xC3\x96\xC3\x97\xC3\x9F"),  // Ä Ö × ß
            "\xC3\xA4\xC3\xB6\xC3\x97\xC3\x9F");
  EXPECT_EQ(data::lower_case("\xC5\x81\xC5\xBD\xC4\x90"), "\xC5\x82\xC5\xBE\xC4\x91");  // Ł Ž Đ
  EXPECT_EQ(data::lower_case("\xCE\x91\xCE\xA9\xCE\x86"), "\xCE\xB1\xCF\x89\xCE\xAC");  // Α Ω Ά
  EXPECT_EQ(data::lower_case("\xD0\x96\xD0\x81"), "\xD0\xB6\xD1\x91");                  // Ж Ё
  EXPECT_EQ(data::lower_case("\xE4\xB8\xAD\xF0\x9F\x98\x80"), "\xE4\xB8\xAD\xF0\x9F\x98\x80");
}

TEST(CleaningTest, EveryOptionChangesSomething) {
  auto d = dialogue({{"a", "Hi"}, {"a", "You"}, {"b", "Ok"}});
  d.personas = {{"b", {"I Like Tea"}}};
  data::clean(d, {.merge_consecutive = true, .min_turns = 2, .lower_case = true});
  ASSERT_EQ(d.turns.size(), 2U);
  EXPECT_EQ(d.turns[0].text, "hi you");
  EXPECT_EQ(d.personas[0].second[0], "i like tea");
}

}  // namespace
}  // namespace banter::tests
