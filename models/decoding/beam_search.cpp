#include "models/decoding/beam_search.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace banter::models {

BeamSearch::BeamSearch(const DecodingOptions& options, const data::SpecialIds& special)
    : options_(options),
      constraints_(special, options),
      beam_size_(static_cast<std::size_t>(options.beam_size)) {}

std::vector<BeamSearch::Continuation> BeamSearch::best_continuations(
    std::span<const ScoredRow> rows) {
  std::vector<Continuation> all;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto logits = rows[row].logits;
    const auto norm = norm_of(logits);
    constraints_.apply(logits, live_[row].ids);
    const auto candidates = highest(logits, 2 * beam_size_);
    for (const auto& candidate : candidates) {
      const double log_prob = norm.log_prob(candidate.logit);
      all.push_back({row, candidate.id, log_prob, live_[row].sum + log_prob});
    }
    if (candidates.empty()) set_aside(live_[row]);
  }
  const auto kept = std::min(all.size(), 2 * beam_size_);
  std::ranges::partial_sort(
      all, all.begin() + static_cast<std::ptrdiff_t>(kept), std::ranges::less{},
      [](const Continuation& c) { return std::tuple(-c.sum, c.id, c.parent); });
  all.resize(kept);
  return all;
}

void BeamSearch::set_aside(Hypothesis hypothesis) {
  const auto score = [&](const Hypothesis& h) { return h.score(options_.length_penalty); };
  const auto place =
      std::ranges::upper_bound(finished_, score(hypothesis), std::ranges::greater{}, score);
  finished_.insert(place, std::move(hypothesis));
  if (finished_.size() > beam_size_) finished_.pop_back();
}

bool BeamSearch::is_decided() const {
  if (live_.empty()) return true;
  if (finished_.size() < beam_size_) return false;
  // Live hypotheses are equally long, so the first has the best chance.
  return best_possible_score(live_.front().sum, options_.length_penalty, options_.max_new_tokens) <=
         finished_.back().score(options_.length_penalty);
}

std::vector<NextRow> BeamSearch::advance(std::span<const ScoredRow> rows) {
  std::vector<NextRow> next;
  std::vector<Hypothesis> grown;
  const auto continuations = best_continuations(rows);
  for (std::size_t rank = 0; rank < continuations.size() && grown.size() < beam_size_; ++rank) {
    const auto& [parent, id, log_prob, sum] = continuations[rank];
    const auto is_end = id == constraints_.eos();
    if (is_end && rank >= beam_size_) continue;
    auto longer = live_[parent].with(id, log_prob, rows[parent].attention);
    if (is_end) {
      set_aside(std::move(longer));
    } else {
      grown.push_back(std::move(longer));
      next.push_back({static_cast<std::int64_t>(parent), id});
    }
  }
  live_ = std::move(grown);
  if (!live_.empty() &&
      static_cast<std::int64_t>(live_.front().ids.size()) >= options_.max_new_tokens) {
    for (auto& hypothesis : std::exchange(live_, {})) set_aside(std::move(hypothesis));
  }
  if (is_decided()) next.clear();
  return next;
}

std::vector<Reply> BeamSearch::take() {
  std::vector<Reply> best;
  for (const auto& hypothesis : finished_) {
    if (best.size() == static_cast<std::size_t>(options_.replies)) break;
    best.push_back(hypothesis.to_reply(options_.length_penalty, constraints_.eos()));
  }
  return best;
}

}  // namespace banter::models
