#include "models/decoding/beam_group.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "models/decoding/choice_row.h"

namespace banter::models {

BeamGroup::BeamGroup(const DecodingOptions& options, std::size_t beam_size)
    : options_(options), beam_size_(beam_size) {}

std::vector<BeamGroup::Continuation> BeamGroup::best_continuations(std::span<const ScoredRow> rows,
                                                                   const Constraints& constraints,
                                                                   const Counts& taken) {
  std::vector<Continuation> all;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto& parent = live_[row];
    ChoiceRow choice(rows[row].logits, parent.ids, options_);
    for (const auto& [id, beams] : taken) choice.discourage(id, options_.diversity_penalty * beams);
    constraints.apply(choice.logits(), parent.ids);
    const auto candidates = highest(choice.logits(), 2 * beam_size_);
    for (const auto& [id, logit] : candidates)
      all.push_back({.parent = row,
                     .token = choice.chosen(id, rows[row].attention),
                     .sum = parent.sum + choice.log_prob(logit)});
    if (candidates.empty()) set_aside(parent);
  }
  const auto kept = std::min(all.size(), 2 * beam_size_);
  std::ranges::partial_sort(
      all, all.begin() + static_cast<std::ptrdiff_t>(kept), std::ranges::less{},
      [](const Continuation& c) { return std::tuple(-c.sum, c.token.id, c.parent); });
  all.resize(kept);
  return all;
}

void BeamGroup::set_aside(Hypothesis hypothesis) {
  const auto score = [&](const Hypothesis& h) { return h.score(options_.length_penalty); };
  const auto place =
      std::ranges::upper_bound(finished_, score(hypothesis), std::ranges::greater{}, score);
  finished_.insert(place, std::move(hypothesis));
  if (finished_.size() > beam_size_) finished_.pop_back();
}

double BeamGroup::best_possible_score(const Hypothesis& hypothesis) const {
  return models::best_possible_score(hypothesis.sum, options_.length_penalty,
                                     options_.max_new_tokens);
}

bool BeamGroup::is_decided() const {
  if (live_.empty()) return true;
  if (finished_.size() < beam_size_) return false;
  const auto worst = finished_.back().score(options_.length_penalty);
  return std::ranges::all_of(live_,
                             [&](const auto& live) { return best_possible_score(live) <= worst; });
}

/// The only hypothesis goes on with a token that was not its choice.
std::vector<NextRow> BeamGroup::force(const ScoredRow& row, data::TokenId id) {
  const ChoiceRow choice(row.logits, live_.front().ids, options_);
  live_.front().append(choice.chosen(id, row.attention));
  return {{.parent = 0, .id = id}};
}

std::vector<NextRow> BeamGroup::grow(const std::vector<Continuation>& continuations,
                                     const Constraints& constraints, const SearchInput& input) {
  std::vector<NextRow> next;
  std::vector<Hypothesis> grown;
  for (std::size_t rank = 0; rank < continuations.size() && grown.size() < beam_size_; ++rank) {
    const auto& [parent, token, sum] = continuations[rank];
    auto longer = live_[parent].with(token);
    const bool is_end = token.id == constraints.eos();
    if (!is_end && input.wording) longer.cut_bytes = input.wording->stopped_bytes(longer.ids);
    if (is_end || longer.cut_bytes > 0) {
      if (rank < beam_size_) set_aside(std::move(longer));
    } else {
      grown.push_back(std::move(longer));
      next.push_back({static_cast<std::int64_t>(parent), token.id});
    }
  }
  live_ = std::move(grown);
  return next;
}

std::vector<NextRow> BeamGroup::advance(std::span<const ScoredRow> rows,
                                        const Constraints& constraints, const SearchInput& input,
                                        const Counts& taken) {
  if (live_.empty()) return {};
  const auto length = live_.front().ids.size();
  if (length < input.prefix.size()) return force(rows.front(), input.prefix[length]);
  auto next = grow(best_continuations(rows, constraints, taken), constraints, input);
  if (!live_.empty() &&
      static_cast<std::int64_t>(live_.front().ids.size()) >= options_.max_new_tokens) {
    for (auto& hypothesis : std::exchange(live_, {})) set_aside(std::move(hypothesis));
  }
  if (is_decided()) {
    live_.clear();
    next.clear();
  }
  return next;
}

}  // namespace banter::models
