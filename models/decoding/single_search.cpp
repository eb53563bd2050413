#include "models/decoding/single_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "models/decoding/choice_row.h"

namespace banter::models {

SingleSearch::SingleSearch(const DecodingOptions& options, const data::SpecialIds& special,
                           SearchInput input)
    : options_(options),
      input_(std::move(input)),
      constraints_(special, options, input_),
      replies_(static_cast<std::size_t>(options.replies)),
      running_(replies_.size()) {
  std::iota(running_.begin(), running_.end(), std::size_t{0});
}

data::TokenId SingleSearch::choose(std::span<float> logits, std::size_t reply) const {
  const auto& ids = replies_[reply].ids;
  if (ids.size() < input_.prefix.size()) return input_.prefix[ids.size()];
  constraints_.apply(logits, ids);
  if (options_.method != "sample") return first_max(logits);
  const auto key = base::join_keys(base::join_keys(options_.seed, reply), ids.size());
  return draw(logits,
              {.temperature = options_.temperature,
               .top_k = options_.top_k,
               .top_p = options_.top_p,
               .typical_p = options_.typical_p},
              base::to_unit(key));
}

bool SingleSearch::append(Hypothesis& reply, const ChosenToken& token) const {
  reply.append(token);
  if (token.id == constraints_.eos()) return true;
  if (input_.wording && reply.ids.size() > input_.prefix.size())
    reply.cut_bytes = input_.wording->stopped_bytes(reply.ids);
  return reply.cut_bytes > 0 || std::ssize(reply.ids) >= options_.max_new_tokens;
}

std::vector<NextRow> SingleSearch::advance(std::span<const ScoredRow> rows) {
  std::vector<NextRow> next;
  std::vector<std::size_t> still_running;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto& reply = replies_[running_[row]];
    const ChoiceRow choice(rows[row].logits, reply.ids, options_);
    const auto id = choose(choice.logits(), running_[row]);
    if (id < 0) continue;  // nothing may follow: the reply ends as it is
    if (append(reply, choice.chosen(id, rows[row].attention))) continue;
    next.push_back({static_cast<std::int64_t>(row), id});
    still_running.push_back(running_[row]);
  }
  running_ = std::move(still_running);
  return next;
}

bool SingleSearch::takes_candidates() const {
  return options_.method != "sample" && options_.replies == 1 && !options_.with_log_probs &&
         options_.top_log_probs == 0 && options_.repetition_penalty == 1 &&
         options_.logit_bias.empty() && !input_.is_reranked;
}

std::optional<data::TokenId> SingleSearch::choose_among(
    ScreenedRow& row, const std::vector<data::TokenId>& ids) const {
  const auto is_bad = [](float logit) {  // the row of logits is an error that `advance` tells
    return !(logit < std::numeric_limits<float>::infinity());
  };
  if (row.candidates.empty() || std::ranges::any_of(row.candidates, is_bad, &Candidate::logit))
    return std::nullopt;
  if (ids.size() < input_.prefix.size()) return input_.prefix[ids.size()];
  constraints_.apply(row.candidates, ids);
  const auto best = std::ranges::max_element(row.candidates, {}, &Candidate::logit);
  if (best->logit < row.below || std::isinf(best->logit)) return std::nullopt;
  return best->id;
}

std::optional<std::vector<NextRow>> SingleSearch::advance_among(ScreenedRow& row,
                                                                const SharedAttention& attention) {
  auto& reply = replies_.front();
  const auto id = choose_among(row, reply.ids);
  if (!id) return std::nullopt;
  if (append(reply, {.id = *id, .attention = attention})) return std::vector<NextRow>{};
  return std::vector<NextRow>{{0, *id}};
}

CommittedReply SingleSearch::committed() const {
  if (input_.is_reranked && replies_.size() > 1) return {};
  std::vector<const Hypothesis*> candidates;
  candidates.reserve(replies_.size());
  for (const auto& reply : replies_) candidates.push_back(&reply);
  return settled_prefix(candidates, constraints_.eos(), input_);
}

std::vector<Reply> SingleSearch::take() {
  std::vector<Reply> best;
  best.reserve(replies_.size());
  for (const auto& reply : replies_)
    best.push_back(reply.to_reply(options_.length_penalty, constraints_.eos()));
  std::ranges::stable_sort(best, std::ranges::greater{}, &Reply::score);
  return best;
}

}  // namespace banter::models
