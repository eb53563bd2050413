#include "train/metrics/statistics/dialogue_sums.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "train/metrics/likelihoods/rises.h"
#include "train/metrics/statistics/comparison.h"

namespace banter::train {
namespace {

using Names = std::vector<std::string>;

Likelihood dialogue(double nll, double words) { return {.nll = nll, .words = words, .replies = 1}; }

class DialogueSumsTest : public testing::Test {
 protected:
  [[nodiscard]] DialogueSums some_sums() const {
    DialogueSums sums;
    sums.add_rise("perturb_x", numbers_, plain_, altered_);
    sums.add_hits(ranks_, std::vector{1U, 2U});
    return sums;
  }

  const std::vector<Likelihood> plain_ = {dialogue(6, 2), dialogue(4, 3)};
  const std::vector<Likelihood> altered_ = {dialogue(8, 2), dialogue(7, 3)};
  const std::vector<std::uint64_t> numbers_ = {3, 7};
  const std::vector<Rank> ranks_ = {{.group = 7, .rank = 1, .candidates = 4},
                                    {.group = 7, .rank = 3, .candidates = 4},
                                    {.group = 9, .rank = 2, .candidates = 4}};
};

TEST_F(DialogueSumsTest, HaveTheValuesOfTheWhole) {
  const auto values = some_sums().measurement(Names{"perturb_x", "hits_1", "hits_2"}).values();
  EXPECT_DOUBLE_EQ(values[0], Rise("perturb_x", plain_, altered_, "").value);
  const Ranking ranking(ranks_, std::vector{1U, 2U}, "");
  EXPECT_DOUBLE_EQ(values[1], ranking.hits[0].value);
  EXPECT_DOUBLE_EQ(values[2], ranking.hits[1].value);
  EXPECT_EQ(some_sums().measurement(Names{"hits_1"}).groups, 2U) << "dialogues with ranked replies";
}

TEST_F(DialogueSumsTest, AreReadBackAsTheyWere) {
  const tests::TemporaryFolder folder;
  const auto sums = some_sums();
  sums.write(folder / "s.jsonl");
  EXPECT_EQ(base::read_file(folder / "s.jsonl").substr(0, 44),
            "{\"dialogue\":3,\"perturb_x\":[2E0,2E0]}\n{\"dialo");
  const auto back = DialogueSums::read(folder / "s.jsonl");
  const Names names = {"hits_1", "perturb_x"};
  EXPECT_EQ(back.measurement(names).sums.values, sums.measurement(names).sums.values);
  EXPECT_TRUE(back.has("hits_2"));
  EXPECT_FALSE(back.has("hits_3"));
}

TEST_F(DialogueSumsTest, WhatIsNoNumberIsRefused) {
  const tests::TemporaryFolder folder;
  DialogueSums sums;
  sums.add_rise("perturb_x", numbers_, plain_, std::vector{dialogue(NAN, 2), dialogue(7, 3)});
  EXPECT_THROW(sums.write(folder / "s.jsonl"), base::DataError);
  base::write_durably(folder / "s.jsonl",
                      "{\"dialogue\": 0}\n{\"dialogue\": 1, \"hits_1\": [1]}\n");
  try {
    (void)DialogueSums::read(folder / "s.jsonl");
    FAIL() << "it was read";
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("s.jsonl:2: \"hits_1\": expected a list"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(DialogueSumsTest, AreComparedWhereTheyAreAboutTheSameReplies) {
  const auto sums = some_sums();
  auto other = some_sums();
  other.add_hits(std::vector<Rank>{{.group = 9, .rank = 1, .candidates = 4}}, std::vector{1U});
  EXPECT_TRUE(sums.is_comparable(other, "perturb_x"));
  EXPECT_TRUE(sums.is_comparable(other, "hits_2"));
  EXPECT_FALSE(sums.is_comparable(other, "hits_1")) << "a reply more";
}

TEST_F(DialogueSumsTest, ADifferenceInEveryDialogueIsCertain) {
  DialogueSums low, high;
  std::vector<std::uint64_t> numbers;
  std::vector<Likelihood> plain, risen;
  for (std::uint64_t d = 0; d < 30; ++d) {
    numbers.push_back(d);
    plain.push_back(dialogue(static_cast<double>(d), 2));
    risen.push_back(dialogue(static_cast<double>(d) + 1, 2));
  }
  low.add_rise("perturb_x", numbers, plain, plain);
  high.add_rise("perturb_x", numbers, plain, risen);
  const Names names = {"perturb_x"};
  const auto found =
      compare_runs(std::vector{high.measurement(names)}, std::vector{low.measurement(names)}, 500);
  EXPECT_DOUBLE_EQ(found[0].difference, 0.5);
  EXPECT_DOUBLE_EQ(found[0].p, 1.0 / 501);
}

}  // namespace
}  // namespace banter::train
