#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/batches/batch_mix.h"
#include "data/batches/pair_stream.h"
#include "models/dialogue_model.h"
#include "train/tasks/task.h"

namespace banter::train {

/// A dialogue model that learns from the replies of a store, or of a mix of them, and where its
/// recipe says so from entailed and contradicted sentence pairs beside them.
class DialogueTask : public Task {
 public:
  /// Throws   ConfigError when there is nothing to validate on, a store has another tokenizer, or
  ///          the model learns nothing from pairs; DataError when a split is missing or empty
  DialogueTask(const Recipe& recipe, const data::Store& store, torch::Device device);

  torch::nn::Module& model() override { return *model_; }
  [[nodiscard]] double loss_weight(std::string_view loss, std::int64_t updates) const override;
  [[nodiscard]] std::int64_t active_from(const std::string& parameter) const override;
  std::vector<MicroBatch> next(Share share) override;
  void note_place(TrainState& state) const override;
  void seek(const TrainState& state) override;
  [[nodiscard]] std::uint64_t windows() const override { return stream_.windows(); }
  [[nodiscard]] std::string data_hash() const override;
  [[nodiscard]] Amounts learned_from() const override;
  [[nodiscard]] bool is_judged() const override { return valid_ != nullptr; }
  std::optional<Judgement> judge(Ranks& ranks) override;

 private:
  [[nodiscard]] MicroBatch of_replies(const data::Batch& batch);
  [[nodiscard]] MicroBatch of_pairs(const data::PairBatch& batch);
  void begin_pairs();

  Recipe recipe_;
  const data::Store& store_;
  torch::Device device_;
  models::ModelPtr model_;
  std::vector<data::Store> mixed_;  ///< of the recipe's `mix`
  data::BatchMix stream_;
  std::optional<data::Store> pair_store_;  ///< where it is another one
  std::optional<data::PairStream> pairs_;
  std::optional<std::uint64_t> pairs_of_dropped_;  ///< of them; where dialogues are dropped
  const data::Split* valid_ = nullptr;
};

}  // namespace banter::train
