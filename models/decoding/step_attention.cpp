#include "models/decoding/step_attention.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace banter::models {

std::vector<StepAttention> on_cpu(const std::vector<Attention>& all, bool with_tokens) {
  const auto floats = [](const torch::Tensor& weights) {
    return weights.to(torch::kCPU, torch::kFloat).contiguous();
  };
  std::vector<StepAttention> kinds;
  for (const auto& kind : all) {
    kinds.push_back({kind.name, floats(kind.weights), {}});
    if (with_tokens && kind.of_tokens) kinds.back().tokens = floats(kind.of_tokens());
  }
  return kinds;
}

SharedAttention attention_at(const std::vector<StepAttention>& all, std::int64_t n,
                             const Composed& sources, bool with_tokens) {
  auto kinds = std::make_shared<std::vector<TokenAttention>>();
  for (const auto& [name, weights, tokens] : all) {
    const auto* row = weights.data_ptr<float>() + n * weights.size(1);
    TokenAttention kind{.name = name, .weights = {}};
    for (const auto column : sources.columns) kind.weights.push_back(row[column]);
    if (with_tokens && tokens.defined()) {
      const auto* first = tokens.data_ptr<float>() + n * tokens.size(1);
      const auto J = std::ssize(sources.tokens);
      kind.tokens.assign(first, first + std::min<std::int64_t>(J, tokens.size(1)));
      kind.tokens.resize(static_cast<std::size_t>(J), 0);
    }
    kinds->push_back(std::move(kind));
  }
  return kinds;
}

}  // namespace banter::models
