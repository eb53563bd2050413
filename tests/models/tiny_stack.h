#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "data/pair.h"
#include "models/stack_propagation.h"
#include "tests/models/model_test.h"

namespace banter::models {

inline const std::string kType = "type: stack_propagation\n";
inline const std::string kTiny = kType +
                                 "dim: 12\nheads: 2\nffn_dim: 9\ndropout: 0\nencoder_layers: 1\n"
                                 "decoder_layers: 2\nconsistency_layers: 2\n";
inline const std::string kOpen = "d2_reads_r1: open\nd2_order: two_pass\n";

/// Small models of this type, and pairs for them.
class StackTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }

  /// A model whose biases and norms have moved from where they start.
  static std::shared_ptr<StackPropagation> moved_model(const std::string& options) {
    auto model = std::dynamic_pointer_cast<StackPropagation>(tiny_model(kTiny + options));
    move_parameters(*model);
    return model;
  }

  /// Pairs of ordinary ids: premises, hypotheses and labels.
  static data::PairBatch pairs(const std::vector<data::Label>& labels, unsigned seed = 3) {
    std::vector<data::Context> contexts =
        tiny_contexts(std::vector<int>(labels.size(), 0), seed, /*facts=*/1);
    data::PairBatch batch;
    batch.texts = tiny_batch(contexts);
    std::vector<std::int64_t> values;
    for (const auto& example : batch.texts.examples) {
      batch.pairs.push_back(example.dialogue);
      values.push_back(static_cast<std::int64_t>(labels[example.dialogue]));
    }
    batch.label = torch::tensor(values, torch::kLong);
    return batch;
  }

  static LossSum loss_of(const std::vector<LossSum>& losses, const std::string& name) {
    return *std::ranges::find(losses, name, &LossSum::name);
  }
};

constexpr auto kEntailed = data::Label::kEntailment;
constexpr auto kNeutral = data::Label::kNeutral;
constexpr auto kContradicted = data::Label::kContradiction;

}  // namespace banter::models
