#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "models/decoding/reply.h"
#include "serve/engine/turn.h"
#include "serve/protocol/reply_parts.h"
#include "serve/protocol/server_frame.h"

/// What a model looked at, in the numbers of a conversation.
namespace banter::serve {

/// Of single tokens so many sources are told, those with the largest weights.
inline constexpr std::size_t kMostTokenSources = 32;

/// The sources of a reply: its first `facts` are facts, the others the last of `turns`.
struct ReplySources {
  std::span<const std::int64_t> turns;  ///< the numbers of the context's turns, oldest first
  std::int64_t facts = 0;
  std::span<const models::ContextToken> tokens;  ///< of them; none when weights are of turns
};

/// Mean weights over a reply's tokens, the kind "static" apart; nothing where the model has none.
/// Where there are weights of the sources' tokens, the largest of them, equal ones in the sources'
/// order, and those of whole sources beside them.
std::optional<AttentionWeights> attention_of(const models::Reply& reply,
                                             const ReplySources& sources,
                                             const data::Tokenizer& tokenizer);

/// The tokens of a reply from number `first` on with what each looked at, in the same way. Requires
/// attention.
std::vector<TokenWeights> token_weights(const TurnProgress& progress, std::size_t first,
                                        std::span<const std::int64_t> turns,
                                        const data::Tokenizer& tokenizer);

}  // namespace banter::serve
