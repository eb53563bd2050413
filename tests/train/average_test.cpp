#include "train/average.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/errors.h"
#include "models/checkpoint/load_model.h"
#include "models/checkpoint/safetensors.h"
#include "tests/train/trainer_fixture.h"
#include "train/commands.h"

namespace banter::train {
namespace {

/// A folder with weights alone.
fs::path with_weights(const fs::path& folder, const models::NamedTensors& weights) {
  fs::create_directories(folder);
  models::write_safetensors(folder / "model.safetensors", weights);
  return folder;
}

TEST(MeanWeightsTest, IsOfDoubleSumsRoundedOnce) {
  const TemporaryFolder place;
  // In float32 the sum of the first row would lose the small terms, and that of the second
  // overflow.
  const auto tensors = [](float a, float b) {
    return models::NamedTensors{{"w", torch::tensor({{a, b}})},
                                {"count", torch::tensor({7}, torch::kLong)}};
  };
  const float big = 16777216.0F, most = 3e38F;
  const auto mean = mean_weights(
      {with_weights(place / "1", tensors(big, most)), with_weights(place / "2", tensors(1, most)),
       with_weights(place / "3", tensors(1, most)), with_weights(place / "4", tensors(2, most))});
  EXPECT_EQ(mean.at("w").scalar_type(), torch::kFloat);
  EXPECT_EQ(mean.at("w").sizes(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(mean.at("w")[0][0].item<float>(), static_cast<float>(16777220.0 / 4));
  EXPECT_EQ(mean.at("w")[0][1].item<float>(), most);
  EXPECT_EQ(mean.at("count")[0].item<std::int64_t>(), 7);
}

TEST(MeanWeightsTest, RefusesOtherNamesShapesTypesAndWholeNumbers) {
  const TemporaryFolder place;
  const models::NamedTensors good = {{"w", torch::ones({2})}, {"n", torch::tensor({7})}};
  const auto first = with_weights(place / "1", good);
  const auto problem = [&](const std::string& name, const torch::Tensor& tensor, bool is_more) {
    auto other = good;
    if (is_more || tensor.defined()) other[name] = tensor;
    if (!tensor.defined()) other.erase(name);
    try {
      mean_weights({first, with_weights(place / "2", other)});
    } catch (const base::CheckpointError& error) {
      const std::string said = error.what();
      return said.substr(said.find("tensor"), said.find(',') - said.find("tensor"));
    }
    return std::string();
  };
  EXPECT_EQ(problem("w", {}, false), "tensor \"w\" is missing");
  EXPECT_EQ(problem("v", torch::ones({2}), true), "tensor \"v\" is in no other one");
  EXPECT_EQ(problem("w", torch::ones({3}), true), "tensor \"w\" has another shape");
  EXPECT_EQ(problem("w", torch::ones({2}, torch::kDouble), true), "tensor \"w\" has another type");
  EXPECT_EQ(problem("n", torch::tensor({8}), true), "tensor \"n\" has other whole numbers");
}

TEST_F(TrainerTest, AnAverageIsLoadedByItsName) {
  const auto run = place / "run";
  train(recipe("run", {"train.save_every=1", "train.keep_last=4", "train.validate_every=2"}));
  EXPECT_NE(problem<base::CheckpointError>([&] {
              models::load_model(run.string() + "@average");
            }).find("banter average"),
            std::string::npos);
  EXPECT_EQ(write_average(run, {.count = 3, .metric = {}}, run / "average"),
            (std::vector<std::int64_t>{6, 7, 8}));
  const auto loaded = models::load_model(run.string() + "@average");
  EXPECT_EQ(loaded.checkpoint.step, 8);
  const auto a = weights(run, 6), b = weights(run, 7), c = weights(run, 8);
  for (const auto& [name, tensor] : models::named_tensors(*loaded.model)) {
    const auto mean = (a.at(name).to(torch::kDouble) + b.at(name) + c.at(name)) / 3.0;
    EXPECT_TRUE(torch::equal(tensor, mean.to(torch::kFloat))) << name;
  }
  EXPECT_EQ(train(recipe("run", {"train.save_every=1", "train.keep_last=4",
                                 "train.validate_every=2", "train.steps=9"}))
                .state.step,
            9)
      << "the run goes on beside it";

  // The next one takes its place, also where it is of an older step.
  const auto best = best_steps(run, 1, "ppl");
  EXPECT_EQ(write_average(run, {.count = 1, .metric = "ppl"}, run / "average"), best);
  EXPECT_EQ(models::checkpoint_steps(run / "average"), best);
  const auto again = models::load_model(run.string() + "@average");
  for (const auto& [name, tensor] : models::named_tensors(*again.model))
    EXPECT_TRUE(torch::equal(tensor, weights(run, best[0]).at(name))) << name;
}

TEST_F(TrainerTest, AnAverageIsOfAllThatIsThereUpToFive) {
  const auto run = place / "run";
  train(recipe("run", {"train.save_every=1", "train.keep_last=2", "train.valid_split=''"}));
  EXPECT_EQ(write_average(run, {}, run / "average"), (std::vector<std::int64_t>{7, 8}));
  EXPECT_NE(problem<base::CheckpointError>([&] {
              write_average(run, {.count = 3, .metric = {}}, run / "average");
            }).find("has only 2"),
            std::string::npos);
  train(recipe("wide", {"train.save_every=1", "train.keep_last=7", "train.valid_split=''"}));
  EXPECT_EQ(write_average(place / "wide", {}, place / "mean"),
            (std::vector<std::int64_t>{4, 5, 6, 7, 8}));
}

TEST_F(TrainerTest, TheBestCheckpointsAreThoseOfTheLog) {
  const auto run = place / "run";
  train(recipe("run", {"train.save_every=2", "train.keep_last=9", "train.validate_every=2"}));
  std::vector<std::pair<double, std::int64_t>> by_value;
  for (const auto& line : log_lines(run / "log.jsonl"))
    if (line.at("event") == "validation")
      by_value.emplace_back(line.at("token_accuracy").to_number<double>(),
                            -line.at("step").to_number<std::int64_t>());
  ASSERT_EQ(by_value.size(), 4U);
  std::ranges::sort(by_value, std::ranges::greater());
  std::vector<std::int64_t> expected = {-by_value[0].second, -by_value[1].second};
  std::ranges::sort(expected);
  EXPECT_EQ(best_steps(run, 2, "token_accuracy"), expected);
  EXPECT_THROW(best_steps(run, 2, "seconds"), base::UsageError);
  EXPECT_THROW(best_steps(run, 2, "accuracy"), base::UsageError) << "of pairs";
  EXPECT_THROW(best_steps(run, 5, "ppl"), base::CheckpointError);
  EXPECT_THROW(newest_steps(run, 5), base::CheckpointError);
  EXPECT_EQ(newest_steps(run, 2), (std::vector<std::int64_t>{6, 8}));
}

TEST_F(TrainerTest, AnAverageMayBeARunOfItsOwnButNotTakeATrainedOnesPlace) {
  train(recipe("run"));
  train(recipe("other"));
  write_average(place / "run", {.count = 2, .metric = {}}, place / "mean");
  const auto loaded = models::load_model((place / "mean").string());
  EXPECT_EQ(loaded.type, "hred");
  EXPECT_THROW(write_average(place / "run", {.count = 2, .metric = {}}, place / "other"),
               base::UsageError);
}

TEST(AverageCommandTest, RefusesWhatCannotBeMeant) {
  EXPECT_THROW(run_average({"run", "--last", "2", "--best", "1", "ppl"}), base::UsageError);
  EXPECT_THROW(run_average({"run", "--best", "many", "ppl"}), base::UsageError);
  EXPECT_THROW(run_average({"run", "--best", "0", "ppl"}), base::UsageError);
  EXPECT_THROW(run_average({"run", "--last", "0"}), base::UsageError);
  EXPECT_THROW(run_average({"no/such/run"}), base::CheckpointError);
}

}  // namespace
}  // namespace banter::train
