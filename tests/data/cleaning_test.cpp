#include "data/cleaning/cleaning.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data/cleaning/contractions.h"
#include "data/cleaning/text_cleaning.h"

namespace banter::tests {
namespace {

using Said = std::vector<std::pair<std::string, std::string>>;  // speaker, text
using Strings = std::vector<std::string>;

data::Dialogue dialogue(const Said& turns) {
  data::Dialogue made;
  made.id = "d";
  for (const auto& [speaker, text] : turns) made.turns.push_back({speaker, text, ""});
  return made;
}

/// Lines of subtitles: nobody's name is known.
data::Dialogue run_of(const Strings& lines) {
  data::Dialogue made;
  made.id = "film";
  for (const auto& line : lines) made.turns.push_back({"?", line, ""});
  return made;
}

Strings texts(const data::Dialogue& dialogue) {
  Strings all;
  for (const auto& turn : dialogue.turns) all.push_back(turn.text);
  return all;
}

/// What is left of a dialogue, and what is told.
struct Cleaned {
  std::vector<data::Dialogue> parts;
  Strings told;
  std::uint64_t lost = 0;

  Cleaned(data::Dialogue dialogue, const data::CleaningOptions& options) {
    data::Problems problems;
    parts = data::Cleaner(options).clean(std::move(dialogue), {"f", "", 3, 0},
                                         [&](data::Problem&& problem) { problems.add(problem); });
    for (const auto& [rule, count] : problems.by_rule()) {
      EXPECT_EQ(count.severity, data::Severity::kCount) << rule;
      told.insert(told.end(), count.first.begin(), count.first.end());
    }
    lost = problems.records_lost();
  }
};

Strings texts_after(const data::Dialogue& dialogue, const data::CleaningOptions& options) {
  const Cleaned cleaned(dialogue, options);
  EXPECT_EQ(cleaned.parts.size(), 1U);
  EXPECT_EQ(cleaned.told.size(), 1U);
  EXPECT_EQ(cleaned.lost, 0U);
  return cleaned.parts.empty() ? Strings() : texts(cleaned.parts.front());
}

/// Expects that the dialogue is left out for this reason.
void expect_lost(const data::Dialogue& dialogue, const data::CleaningOptions& options,
                 const std::string& why) {
  const Cleaned cleaned(dialogue, options);
  EXPECT_TRUE(cleaned.parts.empty()) << why;
  EXPECT_EQ(cleaned.lost, 1U) << why;
  EXPECT_EQ(cleaned.told, Strings{"f:3: " + why});
}

TEST(CleaningTest, MergesRunsOfOneSpeakerWhateverTheCaseOfTheName) {
  auto d = dialogue({{"Mez", "hi"}, {"mez", "there"}, {"ann", "yes"}, {"Mez", "ok"}});
  EXPECT_EQ(data::merge_consecutive(d), 1U);
  EXPECT_EQ(texts(d), (Strings{"hi there", "yes", "ok"}));
  EXPECT_EQ(d.turns[0].speaker, "Mez");
}

TEST(CleaningTest, NeverJoinsUnknownSpeakersNorTurnsWithDistractors) {
  auto d = dialogue({{"?", "one"}, {"?", "two"}});
  EXPECT_EQ(data::merge_consecutive(d), 0U);
  EXPECT_EQ(d.turns.size(), 2U);
  EXPECT_FALSE(data::is_monologue(d));

  d = dialogue({{"a", "one"}, {"a", "two"}, {"a", "three"}});
  d.turns[1].distractors = {"four"};
  EXPECT_EQ(data::merge_consecutive(d), 0U);
}

TEST(CleaningTest, SeesAMonologueAndARun) {
  EXPECT_TRUE(data::is_monologue(dialogue({{"ann", "a"}, {"ann", "b"}})));
  EXPECT_FALSE(data::is_monologue(dialogue({{"ann", "a"}, {"Ann", "b"}})));  // the corpus says two
  EXPECT_FALSE(data::is_monologue(dialogue({{"ann", "a"}, {"bob", "b"}})));
  EXPECT_TRUE(data::is_run(run_of({"a", "b"})));
  EXPECT_FALSE(data::is_run(dialogue({{"?", "a"}, {"bob", "b"}})));
  EXPECT_FALSE(data::is_run({}));
}

TEST(CleaningTest, DoesNothingUnlessItIsAsked) {
  const Said said = {{"a", "- MAN: [Laughs] \xE2\x99\xAA \xEF\xBC\xA1 "}, {"a", "#"}, {"b", "(x)"}};
  for (auto d : {dialogue(said), run_of({said[0].second, "#", "(x)"})}) {
    d.personas = {{"b", {"I Like (green) Tea"}}};
    const Cleaned cleaned(d, {});
    ASSERT_EQ(cleaned.parts.size(), 1U);
    EXPECT_EQ(cleaned.parts[0].turns, d.turns);
    EXPECT_EQ(cleaned.parts[0].personas, d.personas);
    EXPECT_EQ(cleaned.parts[0].id, d.id);
    EXPECT_EQ(cleaned.parts[0].group, "");
    EXPECT_TRUE(cleaned.told.empty());
  }
}

TEST(CleaningTest, EveryChangeOfTextIsDoneAndCounted) {
  const auto after = [](const std::string& text, const data::CleaningOptions& options) {
    return texts_after(dialogue({{"a", text}, {"b", "plain"}}), options);
  };
  EXPECT_EQ(after("\xEF\xBC\xA1", {.normalization = "nfkc"}), (Strings{"A", "plain"}));
  EXPECT_EQ(after("[Laughs] so", {.drop_captions = true}), (Strings{"so", "plain"}));
  EXPECT_EQ(after("- so", {.drop_dashes = true}), (Strings{"so", "plain"}));
  EXPECT_EQ(after("MAN: so", {.drop_names = true}), (Strings{"so", "plain"}));
  EXPECT_EQ(after("so \xE2\x99\xAA", {.drop_music = true}), (Strings{"so", "plain"}));
  EXPECT_EQ(after("So", {.lower_case = true}), (Strings{"so", "plain"}));
  EXPECT_EQ(
      texts_after(dialogue({{"a", "Hi"}, {"a", "You"}, {"b", "Ok"}}), {.merge_consecutive = true}),
      (Strings{"Hi You", "Ok"}));
}

TEST(CleaningTest, ContractionsAreWrittenOutWhereTheyAreNoPossessives) {
  const auto after = [](const std::string& text) {
    return texts_after(dialogue({{"a", text}, {"b", "plain"}}), {.expand_contractions = true})[0];
  };
  EXPECT_EQ(after("i'm sure they've said we'll go if you'd like and they're in"),
            "i am sure they have said we will go if you would like and they are in");
  EXPECT_EQ(after("it's mom's, that's what he's on"), "it is mom's, that is what he is on");
  EXPECT_EQ(after("don't , isn't; can't. won't! shan't let's"),
            "do not , is not; can not. will not! shall not let us");
  EXPECT_EQ(after("that'sn't i'dn't"), "that is not i would not");
  EXPECT_EQ(after("I'm, DON'T, Can't, It\xE2\x80\x99s"), "I am, DO not, Can not, It is");
  for (const auto* same : {"ain't", "isn'thing", "'m", "n't", "'", "o'clock", "the dogs' toys",
                           "'tis", "mom\xE2\x80\x99s", "caf\xC3\xA9's"}) {
    std::string text = same;
    EXPECT_FALSE(data::expand_contractions(text)) << text;
    EXPECT_EQ(text, same);
  }
}

TEST(CleaningTest, ChangesComeInTheirOrder) {
  // The caption hides the dash, the dash the name, the name the song.
  const Cleaned cleaned(run_of({"(door) - MAN: Hello", "- MAN: # la la", "Bye (MAN: waves)",
                                "\xEF\xBC\x88x\xEF\xBC\x89 So"}),
                        {.normalization = "nfkc",
                         .drop_captions = true,
                         .drop_dashes = true,
                         .drop_names = true,
                         .drop_music = true,
                         .lower_case = true});
  ASSERT_EQ(cleaned.parts.size(), 1U);  // one line before the cut is too few
  EXPECT_EQ(texts(cleaned.parts[0]), (Strings{"bye", "so"}));
}

TEST(CleaningTest, FactsAndDistractorsChangeWithTheTurns) {
  auto d = dialogue({{"a", "Hi"}, {"b", "Ok"}});
  d.personas = {{"b", {"I Like [green] Tea", "\xC2\xA0"}}};
  d.turns[1].distractors = {"NO", "OK", "(sighs)", "Yes"};
  const Cleaned cleaned(d, {.normalization = "nfkc", .drop_captions = true, .lower_case = true});
  ASSERT_EQ(cleaned.parts.size(), 1U);
  EXPECT_EQ(cleaned.parts[0].personas[0].second, Strings{"i like [green] tea"});
  EXPECT_EQ(cleaned.parts[0].turns[1].distractors, (Strings{"no", "yes"}));
  EXPECT_EQ(
      cleaned.told,
      (Strings{
          "f:3: a distractor is blank or the reply itself after cleaning (2 of a turn)",
          "f:3: a fact of a persona is blank after cleaning",
          "f:3: captions in brackets are taken off (data.cleaning.drop_captions) (1 of its texts)",
          "f:3: letters are made small (data.cleaning.lower_case) (6 of its texts)",
          "f:3: texts are put into NFKC (data.cleaning.normalization) (1 of its texts)"}));
}

TEST(CleaningTest, ATurnThatIsNotWantedTakesItsDialogue) {
  const auto d =
      dialogue({{"a", "one two"}, {"b", "three"}, {"a", "[four]"}, {"?", "five six seven"}});
  expect_lost(d, {.blocked = {"fo.r"}},
              "a text matches a pattern of data.cleaning.blocked (turn 3 matches \"fo.r\")");
  expect_lost(d, {.min_turn_words = 2},
              "a turn has fewer words than data.cleaning.min_turn_words (turn 2 has 1)");
  expect_lost(d, {.max_turn_words = 2},
              "a turn has more words than data.cleaning.max_turn_words (turn 4 has 3)");
  expect_lost(d, {.min_turn_characters = 6},
              "a turn has fewer characters than data.cleaning.min_turn_characters (turn 2 has 5)");
  expect_lost(d, {.max_turn_characters = 13},
              "a turn has more characters than data.cleaning.max_turn_characters (turn 4 has 14)");
  const Cleaned blank(d, {.drop_captions = true});
  EXPECT_TRUE(blank.parts.empty());
  EXPECT_EQ(blank.lost, 1U);
  EXPECT_EQ(blank.told.front(), "f:3: a turn is blank after cleaning (turn 3)");
  const data::CleaningOptions bounds{.min_turn_words = 1,
                                     .max_turn_words = 3,
                                     .min_turn_characters = 5,
                                     .max_turn_characters = 14};
  EXPECT_EQ(Cleaned(d, bounds).parts.size(), 1U);  // both ends belong to the range
}

TEST(CleaningTest, CharactersAreCodePointsAndTurnsAreMeasuredAfterMerging) {
  const auto accents = dialogue({{"a", "\xC3\xA9\xC3\xA9"}, {"b", "xx"}});
  EXPECT_EQ(Cleaned(accents, {.max_turn_characters = 2}).parts.size(), 1U);
  const auto halves = dialogue({{"a", "one"}, {"a", "two"}, {"b", "three four"}});
  EXPECT_EQ(Cleaned(halves, {.min_turn_words = 2}).parts.size(), 0U);
  EXPECT_EQ(Cleaned(halves, {.merge_consecutive = true, .min_turn_words = 2}).parts.size(), 1U);
}

TEST(CleaningTest, ARunIsCutAtATurnThatIsNotWanted) {
  auto run = run_of({"one", "two", "[noise]", "three", "four", "(x)", "five", "six", "seven"});
  run.meta = {{"year", "1999"}};
  const Cleaned cleaned(run, {.drop_captions = true});
  ASSERT_EQ(cleaned.parts.size(), 3U);
  EXPECT_EQ(texts(cleaned.parts[0]), (Strings{"one", "two"}));
  EXPECT_EQ(texts(cleaned.parts[1]), (Strings{"three", "four"}));
  EXPECT_EQ(texts(cleaned.parts[2]), (Strings{"five", "six", "seven"}));
  EXPECT_EQ(cleaned.parts[0].id, "film");
  EXPECT_EQ(cleaned.parts[1].id, "film+2");
  EXPECT_EQ(cleaned.parts[2].id, "film+3");
  for (const auto& part : cleaned.parts) {
    EXPECT_EQ(part.group, "film");
    EXPECT_EQ(part.meta, run.meta);
  }
  EXPECT_EQ(cleaned.lost, 0U);
  EXPECT_EQ(cleaned.told.front(), "f:3: a turn is blank after cleaning (the run is cut at turn 3)");

  run.group = "series";
  EXPECT_EQ(Cleaned(run, {.drop_captions = true}).parts[1].group, "series");
}

TEST(CleaningTest, EveryReasonCutsARun) {
  const auto run = run_of({"one", "two", "three four", "six", "ten"});
  for (const auto& options :
       {data::CleaningOptions{.blocked = {"fou"}}, data::CleaningOptions{.max_turn_words = 1},
        data::CleaningOptions{.max_turn_characters = 3}}) {
    const Cleaned cleaned(run, options);
    ASSERT_EQ(cleaned.parts.size(), 2U);
    EXPECT_EQ(texts(cleaned.parts[0]), (Strings{"one", "two"}));
    EXPECT_EQ(texts(cleaned.parts[1]), (Strings{"six", "ten"}));
    EXPECT_EQ(cleaned.lost, 0U);
  }
  EXPECT_EQ(Cleaned(run, {.min_turn_words = 2}).lost, 1U);
  EXPECT_EQ(Cleaned(run, {.min_turn_characters = 4}).lost, 1U);
}

TEST(CleaningTest, WhereARunIsCutIsTold) {
  const Cleaned cleaned(run_of({"one", "two", "three four", "six", "ten"}), {.max_turn_words = 1});
  EXPECT_EQ(cleaned.told, Strings{"f:3: a turn has more words than data.cleaning.max_turn_words "
                                  "(the run is cut at turn 3, which has 2)"});
}

TEST(CleaningTest, PartsOfARunAreMeasuredAsDialogues) {
  const auto run = run_of({"one", "#", "two", "three", "#", "four", "five", "six"});
  Cleaned cleaned(run, {.drop_music = true, .min_turns = 3});
  ASSERT_EQ(cleaned.parts.size(), 1U);
  EXPECT_EQ(texts(cleaned.parts[0]), (Strings{"four", "five", "six"}));
  EXPECT_EQ(cleaned.parts[0].id, "film");
  EXPECT_EQ(cleaned.lost, 0U);

  EXPECT_EQ(cleaned.told[0],
            "f:3: a part of a run that was cut is left out "
            "(a dialogue has fewer turns than data.cleaning.min_turns: it has 1)");

  cleaned = Cleaned(run, {.drop_music = true, .min_turns = 4});
  EXPECT_TRUE(cleaned.parts.empty());
  EXPECT_EQ(cleaned.lost, 1U);
  EXPECT_EQ(cleaned.told.back(),
            "f:3: sung lines and notes are taken off "
            "(data.cleaning.drop_music) (2 of its texts)");
}

TEST(CleaningTest, DialoguesThatAreTooShortOrTooLongAreLeftOut) {
  const auto d = dialogue({{"a", "x"}, {"b", "y"}, {"a", "z"}});
  expect_lost(d, {.min_turns = 4},
              "a dialogue has fewer turns than data.cleaning.min_turns (it has 3)");
  expect_lost(d, {.max_turns = 2},
              "a dialogue has more turns than data.cleaning.max_turns (it has 3)");
  EXPECT_EQ(Cleaned(d, {.min_turns = 3, .max_turns = 3}).parts.size(), 1U);
  // One turn is no matter of an option: nobody replies.
  EXPECT_TRUE(Cleaned(dialogue({{"a", "x"}}), {.min_turns = 4}).told.empty());
}

TEST(CleaningTest, LettersMustBeOfTheScripts) {
  const auto d = dialogue({{"a", "abc"}, {"b", "abcd \xD0\xB6\xD0\xB6\xD0\xB6 12"}});  // 7 + 3
  expect_lost(d, {.scripts = {"Latin"}}, "too few letters are of data.cleaning.scripts (7 of 10)");
  EXPECT_EQ(Cleaned(d, {.scripts = {"Latin"}, .script_share = 0.7}).parts.size(), 1U);
  EXPECT_EQ(Cleaned(d, {.scripts = {"Latin"}, .script_share = 0.71}).parts.size(), 0U);
  EXPECT_EQ(Cleaned(d, {.scripts = {"Cyrl", "Latn"}, .script_share = 1}).parts.size(), 1U);
  EXPECT_EQ(Cleaned(dialogue({{"a", "1"}, {"b", ":)"}}), {.scripts = {"Latin"}}).parts.size(), 1U);
}

TEST(CleaningTest, PatternsSeeTheTextOfTheCorpusAndFactsToo) {
  auto d = dialogue({{"a", "Hi"}, {"b", "Ok"}});
  EXPECT_EQ(Cleaned(d, {.blocked = {"hi"}, .lower_case = true}).parts.size(), 1U);
  EXPECT_EQ(Cleaned(d, {.blocked = {"x", "(?i)^hi$"}}).parts.size(), 0U);
  d.personas = {{"b", {"i sell www.example.org"}}};
  expect_lost(d, {.blocked = {R"(www\.)"}},
              "a text matches a pattern of data.cleaning.blocked (a fact matches \"www\\.\")");
}

TEST(CleaningTest, APatternTakesTimeLinearInTheText) {
  // A backtracking matcher would need 2^n steps.
  const auto d = dialogue({{"a", std::string(1 << 18, 'a')}, {"b", "ok"}});
  EXPECT_EQ(Cleaned(d, {.blocked = {"(a*)*b", "(a|aa)+$b"}}).parts.size(), 1U);
}

TEST(CleaningTest, PairsAreCleanedAsFarAsItMeansThem) {
  const auto cleaned = [](const data::CleaningOptions& options, data::Pair& pair) {
    data::Problems problems;
    const bool stays = data::Cleaner(options).clean(
        pair, {"f", "", 3, 0}, [&](data::Problem&& problem) { problems.add(problem); });
    EXPECT_EQ(problems.records_lost(), stays ? 0U : 1U);
    return stays;
  };
  const data::Pair made{"p", "- I Run", "(A) \xEF\xBC\xA2", data::Label::kNeutral, "", ""};
  auto pair = made;
  EXPECT_TRUE(cleaned({.normalization = "nfkc",
                       .drop_captions = true,
                       .drop_dashes = true,
                       .lower_case = true,
                       .min_turn_words = 9,
                       .min_turns = 9},
                      pair));
  EXPECT_EQ(pair.premise, "- i run");
  EXPECT_EQ(pair.hypothesis, "(a) b");
  pair = made;
  EXPECT_FALSE(cleaned({.blocked = {"Run"}}, pair));
  EXPECT_FALSE(cleaned({.scripts = {"Greek"}}, pair));
  pair.premise = "\xC2\xA0";
  EXPECT_FALSE(cleaned({.normalization = "nfkc"}, pair));
}

TEST(CleanTextTest, DoesToATextWhatCleaningDoesToAPair) {
  const std::string written = "I\xE2\x80\x99m in \xEF\xBC\xB2ome, don't you KNOW?";
  for (const bool nfkc : {false, true})
    for (const bool small : {false, true})
      for (const bool expanded : {false, true}) {
        data::CleaningOptions options;
        options.normalization = nfkc ? "nfkc" : "none";
        options.lower_case = small;
        options.expand_contractions = expanded;
        data::Pair pair;
        pair.premise = pair.hypothesis = written;
        EXPECT_TRUE(data::Cleaner(options).clean(pair, {}, [](data::Problem&&) {}));
        auto text = written;
        data::clean_text(options, text);
        EXPECT_EQ(text, pair.premise);
        EXPECT_EQ(text == written, !nfkc && !small && !expanded);
      }
}

}  // namespace
}  // namespace banter::tests
