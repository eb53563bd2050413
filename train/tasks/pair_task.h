#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/batches/pair_stream.h"
#include "models/pair_classifier.h"
#include "train/tasks/task.h"

namespace banter::train {

/// A classifier that learns from the sentence pairs of a store, by their labels.
class PairTask : public Task {
 public:
  /// Throws   ConfigError when there is nothing to validate on; DataError when a split is missing
  ///          or has no pairs
  PairTask(const Recipe& recipe, const data::Store& store, torch::Device device);

  torch::nn::Module& model() override { return *classifier_; }
  [[nodiscard]] double loss_weight(std::string_view loss, std::int64_t updates) const override;
  [[nodiscard]] std::int64_t active_from(const std::string& parameter) const override;
  std::vector<MicroBatch> next(Share share) override;
  void note_place(TrainState& state) const override;
  void seek(const TrainState& state) override;
  [[nodiscard]] std::uint64_t windows() const override { return stream_.windows(); }
  [[nodiscard]] std::string data_hash() const override;
  [[nodiscard]] Amounts learned_from() const override { return {{"pairs", stream_.pairs()}}; }
  [[nodiscard]] bool is_judged() const override { return valid_ != nullptr; }
  std::optional<Judgement> judge(Ranks& ranks) override;

 private:
  [[nodiscard]] std::vector<models::LossSum> losses(const data::PairBatch& pairs);

  Recipe recipe_;
  const data::Store& store_;
  torch::Device device_;
  models::PairClassifierPtr classifier_;
  data::PairStream stream_;
  std::uint64_t batches_ = 0;  ///< given so far
  const data::Split* valid_ = nullptr;
};

}  // namespace banter::train
