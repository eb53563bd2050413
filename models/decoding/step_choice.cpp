#include "models/decoding/step_choice.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>

#include <ATen/Parallel.h>

#include "base/errors.h"
#include "models/decoding/step_attention.h"

namespace banter::models {

StepChoice::Requests StepChoice::all() const {
  Requests numbers(running_.size());
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

/// What each row looked at; nulls where nobody asks.
std::vector<SharedAttention> StepChoice::attention_of(const StepOutput& output) const {
  std::int64_t count = 0;
  for (const auto& running : running_) count += running.rows;
  std::vector<SharedAttention> rows(static_cast<std::size_t>(count));
  if (!with_attention_) return rows;
  const auto attention =
      on_cpu(output.attention, std::ranges::any_of(running_, &Running::with_tokens));
  if (attention.empty()) return rows;
  std::int64_t n = 0;
  for (const auto& running : running_)
    for (std::int64_t row = 0; row < running.rows; ++row, ++n)
      rows[static_cast<std::size_t>(n)] =
          attention_at(attention, n, running.sources, running.with_tokens);
  return rows;
}

void StepChoice::for_each(const Requests& requests,
                          const std::function<void(std::size_t)>& choose) const {
  const auto choose_some = [&](std::int64_t begin, std::int64_t end) {
    for (auto at = begin; at < end; ++at) {
      const auto i = requests[static_cast<std::size_t>(at)];
      try {
        choose(i);
      } catch (const base::Error& error) {
        throw base::Error("reply " + std::to_string(running_[i].number) + ": token " +
                          std::to_string(running_[i].token) + ": " + error.what() +
                          "; the checkpoint is damaged or its training diverged");
      }
    }
  };
  constexpr std::int64_t kGrain = 8;  // fewer searches are done before a thread has woken up
  at::parallel_for(0, std::ssize(requests), kGrain, choose_some);
}

/// `table`: the logits of these requests' rows, one behind the other.
void StepChoice::choose_from(const torch::Tensor& table, const Requests& requests,
                             const std::vector<SharedAttention>& attention, NextRows& next) const {
  auto logits = table.to(torch::kCPU, torch::kFloat).contiguous();
  // Searches write into the logits: never into something that the model keeps.
  if (logits.storage().use_count() > 1) logits = logits.clone();
  const auto V = logits.size(1);
  auto* values = logits.data_ptr<float>();

  std::vector<std::size_t> first(running_.size(), 0);  // row of the step
  for (std::size_t i = 1; i < running_.size(); ++i)
    first[i] = first[i - 1] + static_cast<std::size_t>(running_[i - 1].rows);
  std::vector<std::vector<ScoredRow>> rows(running_.size());
  for (const auto i : requests) {
    for (std::int64_t row = 0; row < running_[i].rows; ++row, values += V)
      rows[i].push_back({.logits = {values, static_cast<std::size_t>(V)},
                         .attention = attention[first[i] + static_cast<std::size_t>(row)]});
  }
  for_each(requests, [&](std::size_t i) { next[i] = running_[i].search->advance(rows[i]); });
}

bool StepChoice::takes_candidates() const {
  return std::ranges::all_of(
      running_, [](const auto& running) { return running.search->takes_candidates(); });
}

NextRows StepChoice::of(const StepOutput& output) const {
  NextRows next(running_.size());
  choose_from(output.logits, all(), attention_of(output), next);
  return next;
}

/// Each request has one row here.
NextRows StepChoice::among(const StepOutput& output, OutputLayerImpl& layer) const {
  auto screened = layer.screen(output.features);
  const auto attention = attention_of(output);
  NextRows next(running_.size());
  std::vector<std::uint8_t> is_chosen(running_.size(), 0);
  for_each(all(), [&](std::size_t i) {
    auto rows = running_[i].search->advance_among(screened[i], attention[i]);
    is_chosen[i] = rows.has_value() ? 1 : 0;
    if (rows) next[i] = *std::move(rows);
  });
  std::vector<std::int64_t> rows;
  Requests left;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (is_chosen[i] != 0) continue;
    left.push_back(i);
    rows.push_back(static_cast<std::int64_t>(i));
  }
  if (left.empty()) return next;
  const auto features = output.features.index_select(0, torch::tensor(rows, torch::kLong));
  choose_from(layer.logits(features), left, attention, next);
  return next;
}

}  // namespace banter::models
