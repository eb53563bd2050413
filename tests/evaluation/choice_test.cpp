#include "train/evaluation/choice.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "data/transforms/transforms.h"

namespace banter::train {
namespace {

using Names = std::vector<std::string>;
using Views = std::vector<std::string_view>;

TEST(EvaluationChoiceTest, WithoutNamesAllThatCostsNoFurtherPassIsGiven) {
  const auto choice = EvaluationChoice::usual();
  EXPECT_EQ(choice.fits.size(), kLikelihoodMetrics.size());
  EXPECT_TRUE(choice.by_turn);
  EXPECT_TRUE(choice.pairs) << "where there are some";
  EXPECT_FALSE(choice.needs_pairs);
  EXPECT_EQ(choice.texts.size(), known_metrics().size());
  EXPECT_TRUE(choice.hits.empty());
  EXPECT_TRUE(choice.perturbations.empty());
}

TEST(EvaluationChoiceTest, NamesChooseAndNothingElseIsGiven) {
  const auto choice =
      EvaluationChoice::named(Names{"bpb", "ppl", "bpb", "hits_5", "hits_1", "hits_5", "hits_17",
                                    "f1", "perturb_shuffle_words", "perturb_drop_first_half"});
  ASSERT_EQ(choice.fits.size(), 2U);
  EXPECT_EQ(choice.fits[0].name, "ppl") << "in the order of the table";
  EXPECT_FALSE(choice.by_turn);
  EXPECT_FALSE(choice.pairs);
  EXPECT_TRUE(EvaluationChoice::named(Names{"pairs"}).needs_pairs);
  EXPECT_EQ(choice.hits, (std::vector<unsigned>{1, 5, 17}));
  EXPECT_EQ(choice.perturbations, (Views{"drop_first_half", "shuffle_words"}));
  ASSERT_EQ(choice.texts.size(), 1U);
  EXPECT_EQ(choice.texts[0]->name, "f1");
}

TEST(EvaluationChoiceTest, UsualStandsForWhatIsGivenWithoutNames) {
  const auto choice = EvaluationChoice::named(Names{"hits_3", "usual", "f1"});
  const auto usual = EvaluationChoice::usual();
  EXPECT_EQ(choice.fits.size(), usual.fits.size());
  EXPECT_TRUE(choice.by_turn);
  EXPECT_EQ(choice.texts, usual.texts);
  EXPECT_EQ(choice.hits, (std::vector<unsigned>{3}));
  EXPECT_FALSE(choice.needs_vectors) << "those of vectors are given where there are some";
  EXPECT_TRUE(EvaluationChoice::named(Names{"usual", "embed_avg"}).needs_vectors);
}

TEST(EvaluationChoiceTest, ANameOfAKindStandsForAllOfIt) {
  const auto choice = EvaluationChoice::named(Names{"hits", "perturb", "embed", "ppl_turn"});
  EXPECT_EQ(choice.hits, (std::vector<unsigned>{1, 2, 5, 10}));
  EXPECT_EQ(choice.perturbations, (Views{"drop_first_half", "drop_last_turn", "keep_last_turn",
                                         "reverse_turns", "shuffle_turns", "shuffle_words"}));
  EXPECT_EQ(choice.texts.size(), 4U);
  EXPECT_TRUE(choice.by_turn);
  EXPECT_TRUE(choice.fits.empty());
}

TEST(EvaluationChoiceTest, EveryKnownNameThatAnErrorListsIsTaken) {
  try {
    (void)EvaluationChoice::named(Names{"ppl", "rouge\n"});
    FAIL() << "expected an error";
  } catch (const base::UsageError& error) {
    const std::string what = error.what();
    const std::string known = "known:";
    EXPECT_TRUE(what.starts_with("banter evaluate: there is no metric \"rouge\\x0A\"; known: ppl "))
        << what;
    std::size_t names = 0;
    for (auto at = what.find(known) + known.size() + 1; at < what.size(); ++names) {
      const auto end = std::min(what.find(' ', at), what.size());
      EXPECT_NO_THROW((void)EvaluationChoice::named(Names{what.substr(at, end - at)}));
      at = end + 1;
    }
    EXPECT_EQ(names, kLikelihoodMetrics.size() + 2 + 4 + 6 + known_metrics().size() + 1);
  }
}

TEST(EvaluationChoiceTest, WhatIsNearlyANameIsNone) {
  for (const auto* name : {"", "hits_", "hits_0", "hits_-1", "hits_1x", "hits@1", "perturb_",
                           "perturb_drop_turns", "ppl_", "PPL"})
    EXPECT_THROW((void)EvaluationChoice::named(Names{name}), base::UsageError) << name;
}

TEST(EvaluationChoiceTest, TheReadmeHasEveryName) {
  const auto readme = base::read_file(std::filesystem::path(BANTER_SOURCE_DIR) / "train/README.md");
  const auto line_of = [&](const std::string& name) {
    const auto at = readme.find("| `" + name + "`");
    return at == std::string::npos ? "" : readme.substr(at, readme.find('\n', at) - at);
  };
  for (const auto& metric : kLikelihoodMetrics)
    EXPECT_NE(readme.find("`" + std::string(metric.name) + "`"), std::string::npos) << metric.name;
  for (const auto* name : {"ppl_turn", "hits_K"}) EXPECT_NE(line_of(name), "") << name;
  const auto perturb = line_of("perturb_T");
  for (const auto name : EvaluationChoice::named(Names{"perturb"}).perturbations)
    EXPECT_NE(perturb.find("`" + std::string(name) + "`"), std::string::npos) << name;
}

}  // namespace
}  // namespace banter::train
