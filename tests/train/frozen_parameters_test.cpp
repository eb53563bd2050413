// Parameters that are frozen for a whole run: their gradient is not computed, and no other changes.
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/batch.h"
#include "models/registry.h"
#include "tests/train/trainer_fixture.h"
#include "train/arena.h"

namespace banter::train {
namespace {

class FrozenTest : public TrainerTest, public testing::WithParamInterface<const char*> {
 protected:
  models::ModelPtr model() const {
    const auto r = recipe("run", {std::string("model={") + GetParam() + "}"});
    const auto& tokenizer = store().tokenizer();
    auto built = models::build_model(
        r.config.root().section("model"),
        {.size = tokenizer.vocab_size(), .special = tokenizer.special()}, /*seed=*/1);
    built->train();
    return built;
  }

  /// The gradient of a batch, flat; of the frozen parameters only when `computed`.
  torch::Tensor gradient(const std::set<std::string>& frozen, bool computed) const {
    const auto learned = model();
    Arena arena(*learned,
                {{.name = "frozen",
                  .takes = [&](const std::string& name,
                               const torch::Tensor&) { return frozen.contains(name); },
                  .active_from = RangeRule::kNever},
                 {.name = "others",
                  .takes = [](const std::string&, const torch::Tensor&) { return true; }}});
    if (computed)
      for (auto& parameter : learned->parameters()) parameter.requires_grad_(true);
    data::BatchStream stream(store().split("train"), recipe("run").batch,
                             store().tokenizer().special(), /*seed=*/1);
    torch::manual_seed(3);
    torch::Tensor total;
    for (const auto& loss : learned->losses(stream.next()))
      total = total.defined() ? total + loss.sum : loss.sum;
    total.backward();
    const auto own = arena.named(arena.grads);
    for (const auto& name : frozen)
      if (!computed) {
        EXPECT_EQ(own.at(name).abs().sum().item<double>(), 0) << name;
      }
    EXPECT_TRUE(arena.is_tied());
    arena.hold_back(1);
    return arena.grads;
  }
};

TEST_P(FrozenTest, ChangesNoOtherGradient) {
  const auto names = model()->named_parameters().keys();
  const auto is_in = [&](int which, std::size_t i) {
    if (which == 0) return i < names.size() / 2;
    if (which == 1) return i >= names.size() / 2;
    return i % 2 == 0;
  };
  for (const int which : {0, 1, 2}) {
    std::set<std::string> frozen;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (is_in(which, i)) frozen.insert(names[i]);
    const auto without = gradient(frozen, false), with = gradient(frozen, true);
    EXPECT_GT(with.abs().sum().item<double>(), 0);
    EXPECT_TRUE(torch::equal(without, with)) << which;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, FrozenTest,
    testing::Values("type: hred, embed_dim: 6, hidden_dim: 8, dropout: 0.2",
                    "type: hran, embed_dim: 6, hidden_dim: 8",
                    "type: seq2seq, embed_dim: 6, hidden_dim: 8",
                    "type: vhred, embed_dim: 6, hidden_dim: 8, kl_anneal_steps: 0",
                    "type: transformer, dim: 8, heads: 2, ffn_dim: 8",
                    "type: recosa, dim: 8, heads: 2, ffn_dim: 8",
                    "type: stack_propagation, dim: 8, heads: 2, ffn_dim: 8, phase1_steps: 0"),
    [](const auto& which) { return "Model" + std::to_string(which.index); });

}  // namespace
}  // namespace banter::train
