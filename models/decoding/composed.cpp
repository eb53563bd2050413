#include "models/decoding/composed.h"

#include <algorithm>

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

std::vector<ContextToken> tokens_of(const DialogueModel& model, const data::Batch& batch,
                                    std::int64_t b, const Composed& sources) {
  const auto attended = model.attended_tokens();
  if (attended == AttendedTokens::kNone || sources.columns.empty()) return {};
  auto row = batch;
  row.facts = batch.facts.narrow(0, b, 1);
  row.context = batch.context.narrow(0, b, 1);
  const bool is_stream = attended == AttendedTokens::kOfStream;
  const auto joined = is_stream ? row.joined(model.vocabulary().special) : row.joined();
  const auto ids = joined.ids.contiguous(), columns = joined.source.contiguous();
  std::vector<ContextToken> tokens;
  for (std::int64_t j = 0; j < ids.size(1); ++j) {
    const auto column = columns.const_data_ptr<std::int64_t>()[j];
    const auto place = std::ranges::lower_bound(sources.columns, column);
    tokens.push_back({.source = place - sources.columns.begin(),
                      .id = static_cast<data::TokenId>(ids.const_data_ptr<std::int64_t>()[j])});
  }
  return tokens;
}

torch::Device device_of(const DialogueModel& model) {
  const auto parameters = model.parameters();
  return parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
}

}  // namespace banter::models
