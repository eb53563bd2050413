#include "serve/sessions/reply_view.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string_view>
#include <utility>

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

std::vector<float> mean_of(const std::vector<std::vector<float>>& rows) {
  std::vector<float> mean(rows.front().size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += row[i];
  for (auto& weight : mean) weight /= static_cast<float>(rows.size());
  return mean;
}

std::int64_t characters_of(std::string_view text) {
  return std::ranges::count_if(text,
                               [](char c) { return (static_cast<unsigned char>(c) >> 6) != 0b10; });
}

/// The tokens of a reply's context, as sources.
class TokenSources {
 public:
  /// `whole`: the sources that they are tokens of. All must outlive this.
  TokenSources(std::span<const models::ContextToken> tokens, std::span<const SourceWeight> whole,
               const data::Tokenizer& tokenizer)
      : tokens_(tokens), whole_(whole), tokenizer_(tokenizer) {
    std::int64_t source = -1, before = 0;
    bool has_begun = false;  // the text of the source, which loses its first space
    for (const auto& token : tokens) {
      if (std::exchange(source, token.source) != token.source) {
        before = 0;
        has_begun = false;
      }
      at_.push_back(before);
      const auto& text = tokenizer.surface(token.id);
      before += characters_of(text) - (!has_begun && text.starts_with(' ') ? 1 : 0);
      has_begun = has_begun || !text.empty();
    }
  }

  /// Those with the largest weights, falling; equal ones stay in order.
  [[nodiscard]] std::vector<SourceWeight> largest(std::span<const float> weights) const {
    std::vector<std::size_t> order(tokens_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto most =
        order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), kMostTokenSources));
    std::ranges::partial_sort(order, most, std::ranges::less{},
                              [&](std::size_t j) { return std::pair(-weights[j], j); });
    std::vector<SourceWeight> shown;
    for (const auto j : std::span(order.begin(), most)) {
      auto& one = shown.emplace_back(whole_[static_cast<std::size_t>(tokens_[j].source)]);
      one.at = at_[j];
      one.token = tokenizer_.surface(tokens_[j].id);
      one.weight = weights[j];
    }
    return shown;
  }

 private:
  std::span<const models::ContextToken> tokens_;
  std::span<const SourceWeight> whole_;
  const data::Tokenizer& tokenizer_;
  std::vector<std::int64_t> at_;  ///< characters of its source before each token
};

/// Those that say most of one token: with a query where there is such a kind.
template <typename Kinds>
const auto* main_kind(const Kinds& kinds) {
  const auto found = std::ranges::find_if(kinds, [](const auto& k) { return k.name != kStatic; });
  return found != kinds.end() ? &*found : kinds.data();
}

}  // namespace

std::optional<AttentionWeights> attention_of(const models::Reply& reply,
                                             const ReplySources& sources,
                                             const data::Tokenizer& tokenizer) {
  const auto& kinds = reply.attention;
  if (kinds.empty() || kinds.front().weights.empty()) return {};
  const auto& main = *main_kind(kinds);
  AttentionWeights shown{.weights = weighted(mean_of(main.weights), sources)};
  const auto of_static = std::ranges::find(kinds, kStatic, &models::ReplyAttention::name);
  if (of_static != kinds.end())
    shown.static_weights = weighted(mean_of(of_static->weights), sources);
  if (main.tokens.empty()) return shown;
  shown.basis = AttentionLevel::kTokens;
  shown.turns = std::exchange(shown.weights, {});
  const TokenSources tokens(sources.tokens, *shown.turns, tokenizer);
  shown.weights = tokens.largest(mean_of(main.tokens));
  if (of_static == kinds.end()) return shown;
  shown.static_turns = std::exchange(shown.static_weights, std::nullopt);
  if (!of_static->tokens.empty()) shown.static_weights = tokens.largest(mean_of(of_static->tokens));
  return shown;
}

std::vector<TokenWeights> token_weights(const TurnProgress& progress, std::size_t first,
                                        std::span<const std::int64_t> turns,
                                        const data::Tokenizer& tokenizer) {
  const ReplySources sources{.turns = turns, .facts = progress.facts, .tokens = progress.tokens};
  std::vector<TokenWeights> tokens;
  std::vector<SourceWeight> whole;
  std::optional<TokenSources> of_tokens;  // the same for all
  for (auto i = first; i < progress.ids.size(); ++i) {
    const auto& kind = *main_kind(*progress.attention[i]);
    auto& token = tokens.emplace_back();
    token.text = tokenizer.surface(progress.ids[i]);
    token.weights = weighted(kind.weights, sources);
    if (kind.tokens.empty()) continue;
    if (!of_tokens) {
      whole = token.weights;
      of_tokens.emplace(sources.tokens, whole, tokenizer);
    }
    token.turns = std::exchange(token.weights, of_tokens->largest(kind.tokens));
  }
  return tokens;
}

}  // namespace banter::serve
