#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "serve/protocol/codes.h"
#include "serve/protocol/json_writer.h"

/// What is told of a reply besides its text. A `history` tells it again, so an archive keeps it, as
/// JSON.
namespace banter::serve {

/// What a reply attends to: a turn of the conversation or a fact of the persona, by its number, or
/// one token of it.
struct SourceWeight {
  enum class Kind : std::uint8_t { kTurn, kFact };
  Kind kind = Kind::kTurn;
  std::int64_t number = 0;
  std::optional<std::int64_t> at{};    ///< of a token: the characters of the source before it
  std::optional<std::string> token{};  ///< the text of one token of it; absent: the whole source
  float weight = 0;                    ///< in [0, 1]
  bool operator==(const SourceWeight&) const = default;
};

/// A reply's mean weights over its sources.
struct AttentionWeights {
  AttentionLevel basis = AttentionLevel::kTurns;  ///< kTurns or kTokens
  std::vector<SourceWeight> weights{};
  std::optional<std::vector<SourceWeight>> static_weights{};  ///< where the model has them
  /// With kTokens, which may leave tokens out: both of whole sources.
  std::optional<std::vector<SourceWeight>> turns{}, static_turns{};
  bool operator==(const AttentionWeights&) const = default;
};

/// What a reply says of one fact of the persona.
struct FactVerdict {
  std::int64_t fact = 0;
  Verdict label = Verdict::kNeutral;
  double p = 0;  ///< of the label, in [0, 1]
  bool operator==(const FactVerdict&) const = default;
};

void write_fields(JsonWriter& writer, const SourceWeight& source);
void write_fields(JsonWriter& writer, const AttentionWeights& attention);
void write_fields(JsonWriter& writer, const FactVerdict& verdict);

/// JSON that reads back to an equal value, where its numbers are finite.
std::string attention_text(const AttentionWeights& attention);
std::string consistency_text(const std::vector<FactVerdict>& consistency);

class Fields;

/// Parts of a frame; `name` is the field's, for errors. The weights of attention are fields of an
/// object among others.
/// Throws   RequestError when it is no such part
SourceWeight read_source(const boost::json::value& value, const std::string& name);
FactVerdict read_verdict(const boost::json::value& value, const std::string& name);
AttentionWeights read_attention(const Fields& fields);

/// Throws   RequestError when the text is no such part
AttentionWeights read_attention(std::string_view text);
std::vector<FactVerdict> read_consistency(std::string_view text);

}  // namespace banter::serve
