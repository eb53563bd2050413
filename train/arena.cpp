#include "train/arena.h"

#include <set>
#include <utility>

#include "base/errors.h"

namespace banter::train {
namespace {

constexpr std::int64_t kBorder = 64 / sizeof(float);  // a cache line, what the kernels like best

std::int64_t rounded_up(std::int64_t size) { return (size + kBorder - 1) / kBorder * kBorder; }

}  // namespace

std::vector<RangeRule> decay_rules() {
  return {
      {.name = "matrices",
       .takes = [](const std::string&, const torch::Tensor& p) { return p.dim() >= 2; }},
      {.name = "vectors",
       .takes = [](const std::string&, const torch::Tensor&) { return true; },
       .decays = false},
  };
}

std::vector<RangeRule> decay_rules(
    const torch::nn::Module& module,
    const std::function<std::int64_t(const std::string& name)>& active_from) {
  std::set<std::int64_t> beginnings;
  for (const auto& parameter : module.named_parameters())
    beginnings.insert(active_from(parameter.key()));
  std::vector<RangeRule> rules;
  for (const auto begin : beginnings)
    for (auto rule : decay_rules()) {
      rule.active_from = begin;
      if (begin > 0) rule.name += "_from_" + std::to_string(begin);
      rule.takes = [begin, active_from, of_kind = std::move(rule.takes)](
                       const std::string& name, const torch::Tensor& parameter) {
        return active_from(name) == begin && of_kind(name, parameter);
      };
      rules.push_back(std::move(rule));
    }
  return rules;
}

Arena::Arena(torch::nn::Module& module, const std::vector<RangeRule>& rules) {
  const auto parameters = module.named_parameters();
  std::vector<bool> taken(parameters.size(), false);
  std::int64_t place = 0;
  for (const auto& rule : rules) {
    Range range{.rule = rule, .begin = place};
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& parameter = parameters[i];
      if (taken[i] || !rule.takes(parameter.key(), parameter.value())) continue;
      if (parameter.value().scalar_type() != torch::kFloat32)
        throw base::ShapeError("arena: parameter " + parameter.key() + " is not float32");
      taken[i] = true;
      pieces_.push_back({parameter.key(), parameter.value(), place});
      pieces_.back().parameter.requires_grad_(rule.active_from != RangeRule::kNever);
      place += rounded_up(parameter.value().numel());
    }
    range.end = place;
    if (range.end > range.begin) ranges.push_back(std::move(range));
  }
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (!taken[i]) throw base::ShapeError("arena: no rule takes parameter " + parameters[i].key());

  const torch::NoGradGuard no_grad;
  const auto options =
      pieces_.empty() ? torch::TensorOptions(torch::kFloat32) : pieces_.front().parameter.options();
  values = torch::zeros({place}, options.requires_grad(false));
  grads = torch::zeros_like(values);
  const auto value_of = named(values), grad_of = named(grads);
  for (auto& [name, parameter, begin] : pieces_) {
    value_of.at(name).copy_(parameter);
    parameter.set_data(value_of.at(name));
    parameter.mutable_grad() = grad_of.at(name);
  }
}

bool Arena::is_tied() const {
  for (const auto& [name, parameter, begin] : pieces_)
    if (!parameter.is_alias_of(values) || !parameter.grad().defined() ||
        !parameter.grad().is_alias_of(grads))
      return false;
  return true;
}

std::map<std::string, torch::Tensor> Arena::named(const torch::Tensor& flat) const {
  std::map<std::string, torch::Tensor> parts;
  for (const auto& [name, parameter, begin] : pieces_)
    parts.emplace(name, flat.narrow(0, begin, parameter.numel()).view(parameter.sizes()));
  return parts;
}

void Arena::hold_back(std::int64_t step) {
  for (const auto& range : ranges)
    if (step < range.rule.active_from)
      grads.narrow(0, range.begin, range.end - range.begin).zero_();
}

// LibTorch's sum over everything takes one thread. Blocks do not depend on how many there are.
double Arena::grad_norm() const {
  constexpr std::int64_t kBlock = 65'536;
  const auto blocks = grads.numel() / kBlock;
  const auto whole = grads.narrow(0, 0, blocks * kBlock).view({blocks, kBlock});
  const auto rest = grads.narrow(0, blocks * kBlock, grads.numel() - blocks * kBlock);
  const auto norms = torch::cat({whole.norm(2, 1), rest.norm().view({1})});
  return norms.norm().item<double>();
}

}  // namespace banter::train
