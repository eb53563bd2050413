#include "models/decoding/beam_search.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace banter::models {

BeamSearch::BeamSearch(const DecodingOptions& options, const data::SpecialIds& special,
                       SearchInput input)
    : options_(options),
      input_(std::move(input)),
      constraints_(special, options, input_),
      groups_(
          static_cast<std::size_t>(options.beam_groups),
          BeamGroup(options, static_cast<std::size_t>(options.beam_size / options.beam_groups))) {}

std::vector<NextRow> BeamSearch::advance(std::span<const ScoredRow> rows) {
  std::vector<NextRow> next;
  BeamGroup::Counts taken;
  std::size_t first = 0;  // row of the group
  for (auto& group : groups_) {
    const auto size = group.live().size();
    for (const auto& [parent, id] :
         group.advance(rows.subspan(first, size), constraints_, input_, taken)) {
      next.push_back({static_cast<std::int64_t>(first) + parent, id});
      ++taken[id];
    }
    first += size;
  }
  return next;
}

CommittedReply BeamSearch::committed() const {
  if (input_.is_reranked && options_.replies > 1) return {};
  // The best reply will be the best finished one, or come from a live one that may yet beat it.
  double best = -std::numeric_limits<double>::infinity();
  const auto score = [&](const Hypothesis& h) { return h.score(options_.length_penalty); };
  for (const auto& group : groups_)
    for (const auto& finished : group.finished()) best = std::max(best, score(finished));
  std::vector<const Hypothesis*> candidates;
  const auto add = [&](const Hypothesis& hypothesis, double most) {
    if (most >= best) candidates.push_back(&hypothesis);
  };
  for (const auto& group : groups_) {
    for (const auto& finished : group.finished()) add(finished, score(finished));
    for (const auto& live : group.live()) add(live, group.best_possible_score(live));
  }
  return settled_prefix(candidates, constraints_.eos(), input_);
}

std::vector<Reply> BeamSearch::take() {
  std::vector<const Hypothesis*> finished;
  for (const auto& group : groups_)
    for (const auto& hypothesis : group.finished())
      if (std::ranges::none_of(finished, [&](const auto* h) { return h->ids == hypothesis.ids; }))
        finished.push_back(&hypothesis);
  std::ranges::stable_sort(finished, std::ranges::greater{},
                           [&](const Hypothesis* h) { return h->score(options_.length_penalty); });
  std::vector<Reply> best;
  for (const auto* hypothesis : finished) {
    if (best.size() == static_cast<std::size_t>(options_.replies)) break;
    best.push_back(hypothesis->to_reply(options_.length_penalty, constraints_.eos()));
  }
  return best;
}

}  // namespace banter::models
