#include "train/optimizer.h"

#include <algorithm>
#include <vector>

#include "models/checkpoint/safetensors.h"

namespace banter::train {

namespace {

/// The part of a flat tensor (P) that a range stands in.
torch::Tensor part(const torch::Tensor& flat, const Range& range) {
  return flat.narrow(0, range.begin, range.end - range.begin);
}

}  // namespace

Optimizer::Optimizer(Arena& arena, const TrainOptions& options) : arena_(arena), options_(options) {
  if (options_.optimizer == "sgd") {
    if (options_.momentum > 0) momentum_ = torch::zeros_like(arena.values);
    return;
  }
  first_ = torch::zeros_like(arena.values);
  second_ = torch::zeros_like(arena.values);
}

void Optimizer::update(std::int64_t step, double lr, double shorten) {
  const torch::NoGradGuard no_grad;
  std::optional<torch::Tensor> divisor;
  if (shorten != 1)
    divisor = torch::full({}, shorten, arena_.values.options().dtype(torch::kFloat32));
  for (auto& range : arena_.ranges) {
    const auto& rule = range.rule;
    if (step < rule.active_from) continue;
    ++range.updates;
    const double rate = lr * rule.rate_scale;
    const double decay = rule.decays ? rule.weight_decay.value_or(options_.weight_decay) : 0.0;
    if (options_.optimizer == "sgd") {
      sgd(range, rate, decay, divisor);
    } else {
      adam(range, rate, decay, divisor);
    }
  }
}

void Optimizer::adam(const Range& range, double lr, double weight_decay,
                     const std::optional<torch::Tensor>& divisor) {
  // The kernel reads the count; it does not advance it.
  const auto count = torch::full({}, static_cast<double>(range.updates),
                                 arena_.values.options().dtype(torch::kFloat32));
  const auto values = part(arena_.values, range), grads = part(arena_.grads, range);
  const auto first = part(first_, range), second = part(second_, range);
  if (options_.optimizer == "adam") {
    at::_fused_adam_({values}, {grads}, {first}, {second}, {}, {count}, lr, options_.beta1,
                     options_.beta2, weight_decay, options_.eps, /*amsgrad=*/false,
                     /*maximize=*/false, divisor);
  } else {
    at::_fused_adamw_({values}, {grads}, {first}, {second}, {}, {count}, lr, options_.beta1,
                      options_.beta2, weight_decay, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false, divisor);
  }
}

void Optimizer::sgd(const Range& range, double lr, double weight_decay,
                    const std::optional<torch::Tensor>& divisor) {
  std::vector<torch::Tensor> momentum;
  if (momentum_.defined()) momentum.push_back(part(momentum_, range));
  at::_fused_sgd_({part(arena_.values, range)}, {part(arena_.grads, range)}, momentum, weight_decay,
                  options_.momentum, lr, /*dampening=*/0, options_.nesterov, /*maximize=*/false,
                  /*is_first_step=*/range.updates == 1, divisor);
}

std::map<std::string, torch::Tensor> Optimizer::moments() const {
  std::map<std::string, torch::Tensor> named;
  const auto add = [&](const std::string& kind, const torch::Tensor& flat) {
    if (!flat.defined()) return;
    for (const auto& [name, tensor] : arena_.named(flat)) named.emplace(kind + "." + name, tensor);
  };
  add("first", first_);
  add("second", second_);
  add("momentum", momentum_);
  return named;
}

void Optimizer::set_moments(const std::map<std::string, torch::Tensor>& saved) {
  models::assign_tensors(moments(), saved, "optimizer state does not fit the model");
}

void AveragedWeights::update(const Arena& arena, std::int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const auto decay = std::min(decay_, (1 + t) / (10 + t));
  flat_.lerp_(arena.values, 1 - decay);
}

}  // namespace banter::train
