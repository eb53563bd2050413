#include "serve/sessions/reply_view.h"

#include <algorithm>
#include <string_view>

namespace banter::serve {
namespace {

constexpr std::string_view kStatic = "static";  // models' name for weights without a query

std::vector<SourceWeight> weighted(std::span<const float> weights, const ReplySources& sources) {
  std::vector<SourceWeight> shown;
  const auto read = sources.turns.last(weights.size() - static_cast<std::size_t>(sources.facts));
  for (std::int64_t i = 0; i < std::ssize(weights); ++i) {
    const bool is_fact = i < sources.facts;
    shown.push_back({.kind = is_fact ? SourceWeight::Kind::kFact : SourceWeight::Kind::kTurn,
                     .number = is_fact ? i : read[static_cast<std::size_t>(i - sources.facts)],
                     .weight = weights[static_cast<std::size_t>(i)]});
  }
  return shown;
}

std::vector<float> mean_of(const models::ReplyAttention& attention) {
  std::vector<float> mean(attention.weights.front().size(), 0);
  for (const auto& row : attention.weights)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += row[i];
  for (auto& weight : mean) weight /= static_cast<float>(attention.weights.size());
  return mean;
}

/// Those that say most of one token: with a query where there is such a kind.
template <typename Kinds>
const auto* main_kind(const Kinds& kinds) {
  const auto found = std::ranges::find_if(kinds, [](const auto& k) { return k.name != kStatic; });
  return found != kinds.end() ? &*found : kinds.data();
}

}  // namespace

std::optional<AttentionWeights> attention_of(const models::Reply& reply,
                                             const ReplySources& sources) {
  const auto& kinds = reply.attention;
  if (kinds.empty() || kinds.front().weights.empty()) return {};
  AttentionWeights shown{.basis = AttentionLevel::kTurns,
                         .weights = weighted(mean_of(*main_kind(kinds)), sources)};
  for (const auto& kind : kinds)
    if (kind.name == kStatic) shown.static_weights = weighted(mean_of(kind), sources);
  return shown;
}

std::vector<TokenWeights> token_weights(const TurnProgress& progress, std::size_t first,
                                        std::span<const std::int64_t> turns,
                                        const data::Tokenizer& tokenizer) {
  std::vector<TokenWeights> tokens;
  for (auto i = first; i < progress.ids.size(); ++i) {
    const auto& kinds = *progress.attention[i];
    tokens.push_back({.text = tokenizer.surface(progress.ids[i]),
                      .weights = weighted(main_kind(kinds)->weights,
                                          {.turns = turns, .facts = progress.facts})});
  }
  return tokens;
}

}  // namespace banter::serve
