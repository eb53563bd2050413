#include "models/decoding/single_search.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/errors.h"
#include "base/random.h"
#include "models/decoding/choose.h"

namespace banter::models {

SingleSearch::SingleSearch(const DecodingOptions& options, const data::SpecialIds& special)
    : options_(options),
      constraints_(special, options),
      replies_(static_cast<std::size_t>(options.replies)),
      running_(replies_.size()) {
  std::iota(running_.begin(), running_.end(), std::size_t{0});
}

data::TokenId SingleSearch::choose(std::span<const float> logits, std::size_t reply,
                                   std::size_t token) const {
  if (options_.method != "sample") return first_max(logits);
  const auto key = base::join_keys(base::join_keys(options_.seed, reply), token);
  return draw(
      logits,
      {.temperature = options_.temperature, .top_k = options_.top_k, .top_p = options_.top_p},
      base::to_unit(key));
}

std::vector<NextRow> SingleSearch::advance(std::span<const ScoredRow> rows) {
  std::vector<NextRow> next;
  std::vector<std::size_t> still_running;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto& reply = replies_[running_[row]];
    const auto logits = rows[row].logits;
    const auto norm = norm_of(logits);
    constraints_.apply(logits, reply.ids);
    const auto id = choose(logits, running_[row], reply.ids.size());
    if (id < 0) continue;  // nothing may follow: the reply ends as it is
    reply.append(id, norm.log_prob(logits[static_cast<std::size_t>(id)]), rows[row].attention);
    if (id == constraints_.eos() ||
        static_cast<std::int64_t>(reply.ids.size()) >= options_.max_new_tokens)
      continue;
    next.push_back({static_cast<std::int64_t>(row), id});
    still_running.push_back(running_[row]);
  }
  running_ = std::move(still_running);
  return next;
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
