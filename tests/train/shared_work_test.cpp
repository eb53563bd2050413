// What processes of a data-parallel training make together: sums of gradients, validations.
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/train/thread_ranks.h"
#include "tests/train/trainer_fixture.h"
#include "train/learner.h"
#include "train/ranks/gradient_sum.h"
#include "train/ranks/share_rows.h"
#include "train/tasks/task.h"

namespace banter::train {
namespace {

using tests::together;

/// A sum as a GPU's library makes it, in the host's memory.
class MadeSums : public DeviceSums {
 public:
  MadeSums(Ranks& ranks, int without, int fails)
      : ranks_(ranks), without_(without), fails_(fails) {}
  void expect() override {
    if (ranks_.rank() == without_) throw base::Error("it is not there");
  }
  MeetingPoint meeting_point() override { return {std::byte{7}}; }
  std::unique_ptr<DeviceSum> join(const MeetingPoint& point, const Ranks& ranks,
                                  torch::Device /*device*/) override {
    EXPECT_EQ(point[0], std::byte{7});
    if (ranks.rank() == fails_) throw base::Error("two of one GPU");
    return std::make_unique<Sum>(ranks_);
  }

 private:
  struct Sum : DeviceSum {
    explicit Sum(Ranks& all) : ranks(all) {}
    void sum(float* values, std::size_t count, void* /*stream*/) override {
      ranks.sum(std::span(values, count));
    }
    Ranks& ranks;
  };
  Ranks& ranks_;
  int without_, fails_;
};

struct Summed {
  std::string by, warning;
  torch::Tensor gradient;
  Ranks::Cost cost;
};

std::vector<Summed> summed(int without, int fails) {
  return together(3, [&](Ranks& ranks) -> Summed {
    MadeSums sums(ranks, without, fails);
    const auto opened = open_gradient_sum(ranks, torch::kCPU, sums);
    auto gradient = torch::full({5}, 1 + ranks.rank(), torch::kFloat);
    opened.sum->sum(gradient);
    opened.sum->sum(gradient);
    return {opened.sum->by(), opened.warning, gradient, ranks.cost};
  });
}

TEST(GradientSumTest, AddsUpWhereTheGradientsLieWhenAllCan) {
  for (const auto& one : summed(-1, -1)) {
    EXPECT_EQ(one.by, "NCCL");
    EXPECT_EQ(one.warning, "");
    EXPECT_TRUE(torch::equal(one.gradient, torch::full({5}, 18.0F)));
    EXPECT_EQ(one.cost.by, "NCCL");
    EXPECT_EQ(one.cost.sums, 2U);
    EXPECT_EQ(one.cost.bytes, 40U);
  }
}

TEST(GradientSumTest, AddsUpInTheHostsMemoryEverywhereWhenOneCannot) {
  const std::string sentence =
      "NCCL cannot add gradients up, so they go through the host's memory, which is slower: ";
  for (const auto& one : summed(2, -1)) {
    EXPECT_EQ(one.by, "MPI");
    EXPECT_EQ(one.warning, sentence + "process 2 of 3 (machine-2): it is not there");
    EXPECT_TRUE(torch::equal(one.gradient, torch::full({5}, 18.0F)));
  }
  for (const auto& one : summed(-1, 1)) {
    EXPECT_EQ(one.cost.by, "MPI");
    EXPECT_EQ(one.warning, sentence + "process 1 of 3 (machine-1): two of one GPU");
  }
}

TEST(ShareRowsTest, GivesEachTheRowsOfAllToTheLastDigit) {
  struct Row {
    double a = 0, b = 0;
    bool operator==(const Row&) const = default;
  };
  std::vector<Row> whole;
  for (int i = 0; i < 7; ++i) whole.push_back({1.0 / (i + 3), 1e300 * i});
  whole[5].a = std::numeric_limits<double>::infinity();
  const auto shared = [&](int stopped) {
    return together(3, [&](Ranks& ranks) -> std::vector<Row> {
      std::vector<Row> rows;
      for (std::size_t i = 0; i < whole.size(); ++i)
        rows.push_back(makes_row(ranks, i) ? whole[i] : Row{});
      if (ranks.rank() == stopped) rows.resize(2);  // it was told to stop midway
      if (!share_rows(ranks, rows, ranks.rank() == stopped)) rows.clear();
      return rows;
    });
  };
  for (const auto& rows : shared(-1)) EXPECT_EQ(rows, whole);
  for (const auto& rows : shared(1)) EXPECT_TRUE(rows.empty());
}

/// Figures of a recipe's first weights, as each of so many processes has them.
class SharedValidationTest : public TrainerTest {
 protected:
  static std::vector<Judgement> judged(const Recipe& r, int processes) {
    return together(processes, [&](Ranks& ranks) -> Judgement {
      const auto task = make_task(r, store(), torch::kCPU);
      return task->judge(ranks).value();
    });
  }
  static void expect_the_same(const Recipe& r) {
    const auto whole = judged(r, 1).front();
    EXPECT_GT(whole.count, 0);
    for (const auto& one : judged(r, 3)) {
      EXPECT_EQ(one.metrics, whole.metrics);
      EXPECT_EQ(one.count, whole.count);
    }
  }
};

TEST_F(SharedValidationTest, HasTheFiguresOfOneProcess) {
  expect_the_same(recipe("run"));
  expect_the_same(recipe("run", {"train.valid_replies=9"}));
}

/// As if a signal had come to another process.
struct StopsElsewhere : tests::ThreadRanks {
  using ThreadRanks::ThreadRanks;
  void sum(std::span<std::int64_t> values) override { values.front() += 1; }
};

TEST_F(SharedValidationTest, AStopElsewhereIsHeardInIt) {
  const auto r = recipe("run");
  tests::ThreadRanks::Meeting meeting(1);
  StopsElsewhere ranks(0, meeting);
  Learner learner(r, store(), torch::kCPU, ranks);
  EXPECT_FALSE(learner.is_told_to_stop());
  EXPECT_FALSE(learner.judge());
  EXPECT_TRUE(learner.is_told_to_stop()) << "no further pass is begun";
}

TEST_F(SharedValidationTest, HasTheFiguresOfOneProcessForClassifiers) {
  const std::string nli =
      "model={type: nli, dim: 12, heads: 2, ffn_dim: 16, encoder_layers: 1, dropout: 0}";
  expect_the_same(recipe("run", {nli, "train.keep_best=[accuracy]"}));
  expect_the_same(recipe("run", {nli, "train.keep_best=[accuracy]", "train.valid_replies=5"}));
}

}  // namespace
}  // namespace banter::train
