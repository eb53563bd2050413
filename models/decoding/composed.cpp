#include "models/decoding/composed.h"

namespace banter::models {

Composed sources_of(const data::Batch& batch, std::int64_t b) {
  Composed sources;
  const auto F = batch.facts.size(1), U = batch.context.size(1);
  const auto* facts = batch.facts.data_ptr<std::int64_t>() + b * F;
  const auto* turns = batch.context.data_ptr<std::int64_t>() + b * U;
  for (std::int64_t f = 0; f < F; ++f)
    if (facts[f] >= 0) sources.columns.push_back(f);
  sources.facts = static_cast<std::int64_t>(sources.columns.size());
  for (std::int64_t u = 0; u < U; ++u)
    if (turns[u] >= 0) sources.columns.push_back(F + u);
  sources.turns = static_cast<std::int64_t>(sources.columns.size()) - sources.facts;
  return sources;
}

torch::Device device_of(const DialogueModel& model) {
  const auto parameters = model.parameters();
  return parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
}

}  // namespace banter::models
