// Batches that are made ahead, and products of bfloat16 numbers: what a run is with them.

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/signals.h"
#include "models/precision.h"
#include "tests/train/trainer_fixture.h"
#include "train/tasks/prefetched_task.h"

namespace banter::train {
namespace {

/// Numbers micro-batches from its place on; the fifth cannot be made.
class CountingTask : public Task {
 public:
  explicit CountingTask(std::uint64_t bad) : bad_(bad) {}
  torch::nn::Module& model() override { return model_; }
  [[nodiscard]] double loss_weight(std::string_view, std::int64_t) const override { return 1; }
  [[nodiscard]] std::int64_t active_from(const std::string&) const override { return 0; }
  std::vector<MicroBatch> next(Share) override {
    if (at_ == bad_) throw std::runtime_error("bad batch");
    MicroBatch batch;
    batch.labels = static_cast<std::int64_t>(at_++);
    batch.losses = [](std::int64_t) { return std::vector<models::LossSum>(); };
    return {batch};
  }
  void note_place(TrainState& state) const override { state.position.batches = at_; }
  void seek(const TrainState& state) override { at_ = state.position.batches; }
  [[nodiscard]] std::uint64_t windows() const override { return 1; }
  [[nodiscard]] std::string data_hash() const override { return "none"; }
  [[nodiscard]] Amounts learned_from() const override { return {}; }
  [[nodiscard]] bool is_judged() const override { return false; }
  [[nodiscard]] std::optional<Judgement> judge(Ranks&) override { return {}; }

 private:
  torch::nn::Module model_;
  const std::uint64_t bad_;
  std::uint64_t at_ = 0;
};

TEST(PrefetchedTaskTest, ItsPlaceIsBehindWhatItGave) {
  PrefetchedTask task(std::make_unique<CountingTask>(1000), 3);
  TrainState state;
  for (std::int64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(task.next({}).at(0).labels, i);
    task.note_place(state);
    EXPECT_EQ(state.position.batches, static_cast<std::uint64_t>(i) + 1);
  }
  state.position.batches = 7;
  task.seek(state);
  EXPECT_EQ(task.next({}).at(0).labels, 7) << "what was made ahead is forgotten";
}

TEST(PrefetchedTaskTest, ABatchThatCannotBeMadeIsToldInItsTurn) {
  PrefetchedTask task(std::make_unique<CountingTask>(4), 8);
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(task.next({}).at(0).labels, i);
  for (int again = 0; again < 2; ++again) EXPECT_THROW(task.next({}), std::runtime_error);
}

const std::vector<std::string> kStack = {
    "model={type: stack_propagation, dim: 12, heads: 2, ffn_dim: 16, encoder_layers: 1, "
    "decoder_layers: 1, consistency_layers: 1, phase1_steps: 4}",
    "train.pairs_per_dialogue_batch=2", "train.word_drop=0.2", "train.steps=13"};

TEST_F(TrainerTest, PrefetchingChangesNoByteOfARunThatCrashes) {
  auto ahead = kStack;
  ahead.emplace_back("train.prefetch=3");
  train(recipe("plain", kStack));
  for (const std::int64_t crash : {1, 5, 6, 11})
    EXPECT_THROW(train(recipe("ahead", ahead), crash), Crash);
  train(recipe("ahead", ahead));
  EXPECT_EQ(left_by("ahead", ahead), left_by("plain", kStack));
}

TEST_F(TrainerTest, PrefetchingChangesNoByteOfARunThatIsStopped) {
  train(recipe("plain"));
  for (int stop = 0; stop < 3; ++stop) {
    const auto r = recipe("ahead", {"train.prefetch=2"});
    const RunFolder folder(r.run);
    Trainer trainer(folder, r, store(), true);
    base::install_stop_signals();
    trainer.after_step = [&](const TrainState& state) {
      if (state.step == 2 + 2 * stop) std::raise(SIGTERM);
    };
    EXPECT_EQ(trainer.run().why, "signal");
    base::clear_stop_signal();
  }
  train(recipe("ahead", {"train.prefetch=0"}));  // may change midway
  EXPECT_EQ(weights(place / "ahead", 8).size(), weights(place / "plain", 8).size());
  EXPECT_EQ(contents(place / "ahead").at("step-8/model.safetensors"),
            contents(place / "plain").at("step-8/model.safetensors"));
  EXPECT_EQ(contents(place / "ahead").at("step-8/state.json"),
            contents(place / "plain").at("step-8/state.json"));
}

TEST_F(TrainerTest, PairsOfAClassifierArePrefetched) {
  const std::vector<std::string> nli = {"model={type: nli, dim: 8, heads: 2, ffn_dim: 8}",
                                        "train.keep_best=[accuracy]"};
  auto ahead = nli;
  ahead.emplace_back("train.prefetch=1");
  EXPECT_THROW(train(recipe("ahead", ahead), 5), Crash);
  EXPECT_EQ(left_by("ahead", ahead), left_by("plain", nli));
}

class Bf16TrainingTest : public TrainerTest {
 protected:
  void SetUp() override {
    if (const auto problem = models::bf16_problem(torch::kCPU); !problem.empty())
      GTEST_SKIP() << problem;
  }
};

TEST_F(Bf16TrainingTest, ACrashedRunEndsLikeAnUnbrokenOne) {
  const std::vector<std::string> narrow = {"train.precision=bf16", "train.ema_decay=0.9"};
  train(recipe("whole", narrow));
  for (const std::int64_t crash : {1, 5, 6})
    EXPECT_THROW(train(recipe("broken", narrow), crash), Crash);
  train(recipe("broken", narrow));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
}

TEST_F(Bf16TrainingTest, LearnsWhatFloat32Learns) {
  std::vector<std::string> more = {"train.steps=60", "model.embed_dim=16", "model.hidden_dim=24",
                                   "train.lr=0.02", "model.dropout=0"};
  train(recipe("float32", more));
  more.emplace_back("train.precision=bf16");
  train(recipe("bf16", more));
  std::vector<double> first, last;
  for (const auto* run : {"float32", "bf16"}) {
    double nll = 0;
    for (const auto& line : log_lines(place / run / "log.jsonl")) {
      if (line.at("event") != "step") continue;
      nll = line.at("nll").to_number<double>();
      if (first.size() == last.size()) first.push_back(nll);
    }
    last.push_back(nll);
  }
  EXPECT_LT(last[0], first[0] - 1);
  EXPECT_NEAR(last[1], last[0], 0.05 * last[0]);
  EXPECT_NE(last[1], last[0]);
  for (const auto& [name, tensor] : weights(place / "bf16", 60))
    EXPECT_EQ(tensor.scalar_type(), torch::kFloat) << name;
}

TEST_F(Bf16TrainingTest, PrecisionMayNotChangeMidway) {
  EXPECT_THROW(train(recipe("run"), 5), Crash);
  const auto said =
      problem<base::ConfigError>([&] { train(recipe("run", {"train.precision=bf16"})); });
  EXPECT_NE(said.find("train.precision was float32, is bf16"), std::string::npos) << said;
}

TEST_F(TrainerTest, Tf32IsOfGpus) {
  const auto said = problem<base::ConfigError>([&] { train(recipe("run", {"train.tf32=true"})); });
  EXPECT_NE(said.find("train.tf32: true: only GPUs have TF32"), std::string::npos) << said;
}

}  // namespace
}  // namespace banter::train
