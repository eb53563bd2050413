#include "train/optimizer.h"

#include <algorithm>

#include "models/checkpoint/safetensors.h"

namespace banter::train {

AdamW::AdamW(Arena& arena, const TrainOptions& options)
    : arena_(arena),
      options_(options),
      first_(torch::zeros_like(arena.values)),
      second_(torch::zeros_like(arena.values)) {}

void AdamW::update(std::int64_t step, double lr) {
  const torch::NoGradGuard no_grad;
  for (auto& range : arena_.ranges) {
    const auto& rule = range.rule;
    if (step < rule.active_from) continue;
    ++range.updates;
    const auto part = [&](const torch::Tensor& flat) {
      return flat.narrow(0, range.begin, range.end - range.begin);
    };
    // The kernel reads the count; it does not advance it.
    const auto count = torch::full({}, static_cast<double>(range.updates),
                                   arena_.values.options().dtype(torch::kFloat32));
    at::_fused_adamw_({part(arena_.values)}, {part(arena_.grads)}, {part(first_)}, {part(second_)},
                      {}, {count}, lr * rule.rate_scale, options_.beta1, options_.beta2,
                      rule.decays ? options_.weight_decay : 0.0, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
}

std::map<std::string, torch::Tensor> AdamW::moments() const {
  std::map<std::string, torch::Tensor> named;
  for (const auto& [name, part] : arena_.named(first_)) named.emplace("first." + name, part);
  for (const auto& [name, part] : arena_.named(second_)) named.emplace("second." + name, part);
  return named;
}

void AdamW::set_moments(const std::map<std::string, torch::Tensor>& saved) {
  models::assign_tensors(moments(), saved, "optimizer state does not fit the model");
}

void AveragedWeights::update(const Arena& arena, std::int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const auto decay = std::min(decay_, (1 + t) / (10 + t));
  flat_.lerp_(arena.values, 1 - decay);
}

}  // namespace banter::train
