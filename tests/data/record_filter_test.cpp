#include "data/reading/record_filter.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data/reading/corpus.h"
#include "data/reading/found_cleaning.h"
#include "tests/support/corpora.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using Said = std::vector<std::pair<std::string, std::string>>;  // speaker, text
using Strings = std::vector<std::string>;

/// Filters of a reader's streams, and what comes out of them: whether the cleaner is idle where
/// nothing is asked of it, or an option that changes nothing makes it go through every record.
class RecordFilterTest : public testing::TestWithParam<bool> {
 protected:
  /// Gives records to a filter. `cleaning.duplicates` is obeyed as a reader of corpora does.
  void give(data::CleaningOptions cleaning, data::Ids ids, std::vector<data::Record> records,
            const std::string& scope = "0") {
    const bool may_be_idle = GetParam();
    if (!may_be_idle) cleaning.max_turns = 10'000;
    if (cleaning.duplicates != "keep" && !duplicates_)
      duplicates_.emplace(
          seen_, "all",
          cleaning.duplicates == "exact" ? data::Likeness::kExact : data::Likeness::kNormalised);
    const data::Cleaner cleaner(cleaning);
    ASSERT_TRUE(may_be_idle || !cleaner.is_idle());
    const data::RecordSink sink = [&](data::Record&& record, const data::Place&) {
      kept_.push_back(std::visit([](const auto& one) { return one.id; }, record));
    };
    data::RecordFilter filter({"f", "", 0, 0}, duplicates_ ? &*duplicates_ : nullptr, ids, scope,
                              seen_, problems_, sink);
    const auto take = [&](data::FoundItem&& item) {
      if (auto* found = std::get_if<data::FoundRecord>(&item))
        filter.record(std::move(*found));
      else
        problems_.add(std::get<data::Problem>(item));
    };
    for (auto& record : records)
      data::clean_found(cleaner, data::FoundRecord{std::move(record), {"f", "", ++line_, 0}}, take);
  }

  static data::Record dialogue(const std::string& id, const Said& said) {
    data::Dialogue made;
    made.id = id;
    for (const auto& [speaker, text] : said) made.turns.push_back({speaker, text, ""});
    return made;
  }

  static data::Record pair(const std::string& id, const std::string& premise, data::Label label) {
    return data::Pair{id, premise, "it is so", label, "", ""};
  }

  /// "note f:2: ..." of everything that was told.
  [[nodiscard]] Strings told() const {
    Strings all;
    for (const auto& [rule, count] : problems_.by_rule())
      for (const auto& text : count.first)
        all.push_back((count.severity == data::Severity::kSkip   ? "skip "
                       : count.severity == data::Severity::kNote ? "note "
                                                                 : "count ") +
                      text);
    return all;
  }

  TemporaryFolder folder_;
  data::SeenKeys seen_{folder_.path()};
  std::optional<data::Copies> duplicates_;
  data::Problems problems_;
  Strings kept_;
  std::uint64_t line_ = 0;
};

TEST_P(RecordFilterTest, CopiesStayUnlessTheyAreNotWanted) {
  give({}, data::Ids::kInFile,
       {dialogue("a", {{"x", "Hi"}, {"y", "Ho"}}), dialogue("b", {{"x", "Hi"}, {"y", "Ho"}})});
  EXPECT_EQ(kept_, (Strings{"a", "b"}));
  EXPECT_TRUE(told().empty());
}

TEST_P(RecordFilterTest, ExactCopiesAreLeftOutOverAllSources) {
  const data::CleaningOptions exact{.duplicates = "exact"};
  give(exact, data::Ids::kInFile,
       {dialogue("a", {{"x", "Hi"}, {"y", "Ho"}}), dialogue("b", {{"x", "hi"}, {"y", "ho"}})}, "0");
  give(exact, data::Ids::kInFile,
       {dialogue("a", {{"v", "Hi"}, {"w", "Ho"}}), dialogue("c", {{"x", "HiHo"}, {"y", "!"}})},
       "1");
  EXPECT_EQ(kept_, (Strings{"a", "b", "c"}));
  EXPECT_EQ(
      told(),
      Strings{"count f:3: a dialogue is a copy of an earlier one: it is left out (first at f:1)"});
  EXPECT_EQ(problems_.records_lost(), 1U);
}

TEST_P(RecordFilterTest, NormalisedCopiesHaveEqualLettersAndDigits) {
  give({.duplicates = "normalised"}, data::Ids::kInFile,
       {dialogue("a", {{"x", "Hi there!"}, {"y", "2 o'clock"}}),
        dialogue("b", {{"x", "hi, there"}, {"y", "2 oclock ..."}}),
        dialogue("c", {{"x", "hi there"}, {"y", "3 oclock"}}),
        dialogue("d", {{"x", ":)"}, {"y", ":("}}), dialogue("e", {{"x", ":("}, {"y", ":)"}}),
        dialogue("f", {{"x", ":)"}, {"y", ":("}})});
  EXPECT_EQ(kept_, (Strings{"a", "c", "d", "e"}));
  EXPECT_EQ(problems_.records_lost(), 2U);
}

TEST_P(RecordFilterTest, CopiesAreFoundAfterCleaning) {
  give({.lower_case = true, .duplicates = "exact"}, data::Ids::kInFile,
       {dialogue("a", {{"x", "Hi"}, {"y", "Ho"}}), dialogue("b", {{"x", "hi"}, {"y", "ho"}})});
  EXPECT_EQ(kept_, Strings{"a"});
}

TEST_P(RecordFilterTest, ATalkFromTheOtherSideIsNoCopyButOnlyOnce) {
  const Said one = {{"A", "hi"}, {"B", "ho"}, {"A", "so"}};
  const Said other = {{"B", "hi"}, {"A", "ho"}, {"B", "so"}};
  give({.duplicates = "exact"}, data::Ids::kInFile,
       {dialogue("1", one), dialogue("2", other), dialogue("3", one), dialogue("4", other)});
  EXPECT_EQ(kept_, (Strings{"1", "2"}));
  EXPECT_EQ(
      told(),
      (Strings{"count f:3: a dialogue is a copy of an earlier one: it is left out (first at f:1)",
               "count f:4: a dialogue is a copy of an earlier one: it is left out (first at f:2)",
               "note f:2: a dialogue is an earlier one from the other side (first at f:1)"}));
}

TEST_P(RecordFilterTest, AFormatWithoutIdsTellsOfCopiesThatStay) {
  give({}, data::Ids::kNone,
       {dialogue("1", {{"A", "hi"}, {"B", "ho"}}), dialogue("2", {{"A", "hi"}, {"B", "ho"}}),
        dialogue("3", {{"B", "hi"}, {"A", "ho"}})});
  EXPECT_EQ(kept_, (Strings{"1", "2", "3"}));
  EXPECT_EQ(told(),
            (Strings{"note f:2: a dialogue is a copy of an earlier one (first at f:1)",
                     "note f:3: a dialogue is an earlier one from the other side (first at f:1)"}));
}

TEST_P(RecordFilterTest, PairsAreCopiesWhenTheirLabelIsEqualToo) {
  using data::Label;
  give({.duplicates = "normalised"}, data::Ids::kNone,
       {pair("1", "I run.", Label::kNeutral), pair("2", "i run", Label::kNeutral),
        pair("3", "I run.", Label::kEntailment)});
  EXPECT_EQ(kept_, (Strings{"1", "3"}));
  EXPECT_EQ(
      told(),
      (Strings{"note f:3: a pair has two labels (first at f:1)",
               "count f:2: a pair is a copy of an earlier one: it is left out (first at f:1)"}));
}

TEST_P(RecordFilterTest, PartsOfARunHaveIdsOfTheirOwn) {
  const Said run = {{"?", "a"}, {"?", "b"}, {"?", "#"}, {"?", "c"}, {"?", "d"}};
  const data::CleaningOptions cleaning{.drop_music = true};
  give(cleaning, data::Ids::kInFile, {dialogue("r", run), dialogue("s", run)});
  EXPECT_EQ(kept_, (Strings{"r", "r+2", "s", "s+2"}));
  EXPECT_EQ(problems_.records_lost(), 0U);
  // A repeated id takes all parts, and so does one that a part would repeat.
  give(cleaning, data::Ids::kInFile, {dialogue("r", run), dialogue("s+2", run)});
  EXPECT_EQ(kept_.size(), 4U);
  EXPECT_EQ(problems_.records_lost(), 2U);
}

TEST_P(RecordFilterTest, PartsOfARunAreCopiesByThemselves) {
  give({.drop_music = true, .duplicates = "exact"}, data::Ids::kInFile,
       {dialogue("r", {{"?", "a"}, {"?", "b"}, {"?", "#"}, {"?", "a"}, {"?", "b"}})});
  EXPECT_EQ(kept_, Strings{"r"});
  EXPECT_EQ(problems_.records_lost(), 1U);
}

TEST_P(RecordFilterTest, WhatHasNoReplyIsToldWhateverTheOptions) {
  give({}, data::Ids::kInFile,
       {dialogue("1", {{"A", "hi"}}), dialogue("2", {{"A", "hi"}, {"A", "ho"}}),
        dialogue("3", {{"?", "hi"}})});
  EXPECT_TRUE(kept_.empty());
  EXPECT_EQ(told(), (Strings{"note f:2: a dialogue has one speaker only: no reply in it",
                             "note f:1: a dialogue has too few turns: no reply in it",
                             "note f:3: a dialogue has too few turns: no reply in it"}));
}

TEST_P(RecordFilterTest, ARepeatedIdTellsWhetherItIsAnExactCopy) {
  const Said said = {{"A", "hi"}, {"B", "ho"}};
  give({}, data::Ids::kInFile,
       {dialogue("1", said), dialogue("1", {{"v", "hi"}, {"w", "ho"}}),
        dialogue("1", {{"A", "hi"}, {"B", "no"}}), dialogue("2", said)});
  EXPECT_EQ(kept_, (Strings{"1", "2"}));
  EXPECT_EQ(told(), (Strings{"skip f:2: an id stands twice: the first one stays (first at f:1, an "
                             "exact copy)",
                             "skip f:3: an id stands twice: the first one stays (first at f:1, "
                             "with other text)"}));
}

TEST_P(RecordFilterTest, APersonaOfWhoSaysNothingIsTold) {
  data::Dialogue talk;
  talk.id = "1";
  talk.turns = {{"A", "hi", ""}, {"B", "ho", ""}};
  talk.personas = {{"A", {"I am."}}, {"C", {"I am not."}}};
  give({}, data::Ids::kInFile, {talk});
  EXPECT_EQ(kept_, Strings{"1"});
  EXPECT_EQ(told(), Strings{"note f:1: a persona is of a speaker who says nothing: it can never be "
                            "used (C)"});
}

INSTANTIATE_TEST_SUITE_P(Cleaner, RecordFilterTest, testing::Bool(), [](const auto& may_be_idle) {
  return may_be_idle.param ? "Idle" : "Cleaning";
});

struct KnownCopies {
  std::vector<std::string> files;
  std::uint64_t exact, normalised;
};

TEST(CopiesCorporaTest, AreAsManyAsAPlainCountFinds) {
  for (const auto& row :
       {KnownCopies{{"dailydialog/train"}, 548, 852}, KnownCopies{{"dailydialog/valid"}, 5, 7},
        KnownCopies{{"ubuntu_multiparty/train"}, 15, 17},
        KnownCopies{{"ubuntu_multiparty/train", "ubuntu_multiparty/valid"}, 15, 19}})
    for (const auto& [mode, wanted] :
         {std::pair{"exact", row.exact}, std::pair{"normalised", row.normalised}}) {
      data::Problems problems;
      data::CorpusReader reader({.duplicates = mode}, {}, std::filesystem::temp_directory_path(),
                                problems);
      for (const auto& name : row.files) {
        const auto file = name + ".jsonl.gz";
        if (const auto why = missing_corpus(file); !why.empty()) GTEST_SKIP() << why;
        reader.read(
            {(corpora() / file).string(), "auto", "auto"}, [](auto&&, const auto&) {},
            [](std::uint64_t) {}, corpora() / file);
      }
      EXPECT_EQ(
          problems.by_rule().at("a dialogue is a copy of an earlier one: it is left out").count,
          wanted)
          << row.files.front() << " " << mode;
    }
}

}  // namespace
}  // namespace banter::tests
