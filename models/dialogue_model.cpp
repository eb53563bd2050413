#include "models/dialogue_model.h"

#include "base/errors.h"
#include "models/layers/output_layer.h"

namespace banter::models {

State State::select(const torch::Tensor& index) const {
  return {memory_row.index_select(0, index), rows.select(index)};
}

State State::join(const State& a, const State& b) {
  if (!a.memory_row.defined()) return b;
  return {torch::cat({a.memory_row, b.memory_row}), Rows::join(a.rows, b.rows)};
}

Memory DialogueModel::compose_next(Kept& kept, const torch::Tensor& context,
                                   const torch::Tensor& facts, const torch::Tensor& reply_speaker) {
  return compose(kept, context, facts, reply_speaker);
}

Memory DialogueModel::select_memory(const Memory& memory, const torch::Tensor& index) const {
  return {memory.select(index)};
}

double DialogueModel::loss_weight(std::string_view /*loss*/, std::int64_t /*updates*/) const {
  return 1;
}

std::int64_t DialogueModel::active_from(std::string_view /*parameter*/) const { return 0; }

std::vector<LossSum> DialogueModel::losses_that_count(const data::Batch& batch,
                                                      std::int64_t /*updates*/) {
  return losses(batch);
}

std::optional<torch::Tensor> DialogueModel::bound(const data::Batch& /*batch*/) { return {}; }

std::vector<std::pair<std::string, Score>> DialogueModel::further_scores(
    const data::Batch& /*batch*/) {
  return {};
}

Memory DialogueModel::refine(const Memory& /*memory*/, const torch::Tensor& /*draft*/,
                             const torch::Tensor& /*keep*/) {
  throw base::Error("a model that makes a reply in one pass was asked to refine a draft");
}

Memory DialogueModel::with_own_draft(const Memory& memory) { return memory; }

StepOutput DialogueModel::step(const torch::Tensor& ids, const Memory& memory, State state) {
  auto out = step_features(ids, memory, std::move(state));
  out.logits = step_output_layer()->logits(std::exchange(out.features, {}));
  return out;
}

StepOutput DialogueModel::step_features(const torch::Tensor& /*ids*/, const Memory& /*memory*/,
                                        State /*state*/) {  // NOLINT: models take it over
  throw base::Error("features of a step were asked of a model that has no one output layer");
}

State DialogueModel::draw(const State& start, const Memory& /*memory*/,
                          const torch::Tensor& /*keys*/) {
  return start;
}

std::vector<std::pair<std::string, std::int64_t>> DialogueModel::loss_counts(
    const data::Batch& batch) const {
  return {{"nll", batch.label_count}};
}

std::vector<std::pair<std::string, std::int64_t>> DialogueModel::pair_loss_counts(
    const data::PairBatch& /*pairs*/) const {
  return {};
}

std::vector<LossSum> DialogueModel::pair_losses(const data::PairBatch& /*pairs*/) { return {}; }

}  // namespace banter::models
