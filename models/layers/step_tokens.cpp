#include "models/layers/step_tokens.h"

#include <algorithm>
#include <iterator>

#include "models/layers/fused.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

constexpr std::int64_t kMostKept = 4096;  // tokens; pages of rows that were not made take no memory

}  // namespace

StepTokensImpl::StepTokensImpl() { linear_ = register_module("linear", StepLinear()); }

void StepTokensImpl::train(bool on) {
  torch::nn::Module::train(on);
  table_ = weight_ = bias_ = Unchanged();
  rows_ = torch::Tensor();
  places_.clear();
  kept_ = 0;
}

/// Makes what is missing of these tokens; false where there is no more room.
bool StepTokensImpl::keep(const torch::Tensor& ids, const torch::Tensor& table,
                          const torch::Tensor& weight, const torch::Tensor& bias) {
  if (!table_.is(table) || !weight_.is(weight) || !bias_.is(bias)) {
    table_ = Unchanged(table);
    weight_ = Unchanged(weight);
    bias_ = Unchanged(bias);
    const c10::InferenceMode off(false);  // written by steps with and without it
    rows_ = table.new_empty({std::min(table.size(0), kMostKept), weight.size(0)});
    places_.assign(static_cast<std::size_t>(table.size(0)), -1);
    kept_ = 0;
  }
  std::vector<std::int64_t> missing;
  const auto* id = ids.const_data_ptr<std::int64_t>();
  std::copy_if(id, id + ids.size(0), std::back_inserter(missing),
               [&](std::int64_t one) { return places_.at(static_cast<std::size_t>(one)) < 0; });
  if (missing.empty()) return true;
  std::ranges::sort(missing);
  missing.erase(std::ranges::unique(missing).begin(), missing.end());
  const auto count = std::ssize(missing);
  if (kept_ + count > rows_.size(0)) return false;
  const auto made =
      linear_->forward(table.index_select(0, torch::tensor(missing, torch::kLong)), weight, bias);
  rows_.narrow(0, kept_, count).copy_(made);
  for (const auto one : missing) places_[static_cast<std::size_t>(one)] = kept_++;
  return true;
}

torch::Tensor StepTokensImpl::forward(const torch::Tensor& given, const torch::Tensor& table,
                                      const torch::Tensor& weight, const torch::Tensor& bias) {
  dims<1>(given, "ids (N)");
  const auto ids = given.contiguous();
  const bool is_step =
      has_kernels(table, Kernel::kStep) && !torch::GradMode::is_enabled() && !is_training();
  if (!is_step || !keep(ids, table, weight, bias))
    return linear_->forward(table.index_select(0, ids), weight, bias);
  auto places = torch::empty_like(ids);
  const auto* id = ids.const_data_ptr<std::int64_t>();
  std::transform(id, id + ids.size(0), places.data_ptr<std::int64_t>(),
                 [&](std::int64_t one) { return places_[static_cast<std::size_t>(one)]; });
  return rows_.index_select(0, places);
}

}  // namespace banter::models
