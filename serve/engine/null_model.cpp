#include "serve/engine/null_model.h"

#include <algorithm>
#include <utility>

#include "models/decoding/search.h"

namespace banter::serve {

std::int64_t NullModel::rows_of(const Turn& turn) const { return models::most_rows(turn.decoding); }

TurnTokens NullModel::add(std::uint64_t number, const Turn& turn) {
  const auto& context = turn.context;
  TurnTokens read;
  for (const auto* rows : {&context.facts, &context.turns})
    for (const auto& row : *rows) read.prompt += std::ssize(row.ids);
  Row row{.source = context.turns.empty() ? context.facts.back().ids : context.turns.back().ids,
          .said = turn.prefix,
          .tokens = std::min(tokens_, turn.decoding.max_new_tokens),
          .is_cut = turn.decoding.max_new_tokens < tokens_,
          .turns = std::ssize(context.turns),
          .facts = std::ssize(context.facts)};
  if (row.source.empty()) row.tokens = 0;
  running_.emplace(number, std::move(row));
  return read;
}

std::vector<EndedRows> NullModel::step(const Committed& committed) {
  std::vector<EndedRows> done;
  for (auto one = running_.begin(); one != running_.end();) {
    auto& [number, row] = *one;
    const auto said = std::ssize(row.said);
    if (said < row.tokens) {
      row.said.push_back(row.source[static_cast<std::size_t>(said) % row.source.size()]);
      std::span<const data::TokenId> ids = row.said;
      if (wording_) ids = wording_->whole_characters(ids);
      if (ids.size() > row.committed)
        committed(number, {.ids = ids, .attention = {}, .facts = row.facts});
      row.committed = ids.size();
      ++one;
      continue;
    }
    models::Reply reply;
    reply.ids = std::move(row.said);
    reply.log_probs.assign(reply.ids.size() + (row.is_cut ? 0 : 1), 0.0F);  // it is certain
    reply.finish = row.is_cut ? "length" : "eos";
    models::Replies replies;
    replies.number = number;
    replies.best.push_back(std::move(reply));
    replies.facts = row.facts;
    replies.turns = row.turns;
    done.push_back({.replies = std::move(replies)});
    one = running_.erase(one);
  }
  return done;
}

}  // namespace banter::serve
