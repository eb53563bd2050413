#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/batches/examples.h"
#include "data/tokenizer/tokenizer.h"
#include "serve/engine/row_model.h"
#include "serve/protocol/decode_json.h"
#include "serve/protocol/server_frame.h"

namespace banter::serve {

/// Speakers of a conversation, as the first two of a corpus.
inline constexpr std::int64_t kUserSpeaker = 1, kReplySpeaker = 2;

/// A reply that was made alone, and again beside others.
struct Company {
  std::vector<std::int64_t> rows;  ///< how many there were, each time
  /// The largest difference between a token's log-probability, in nats; nothing when other tokens
  /// came.
  std::optional<double> difference = 0;
};

/// A model as those see it who talk with it: names, texts and limits, no tensors.
struct ServedModel {
  ModelName name;
  std::shared_ptr<const data::Tokenizer> tokenizer;
  data::BatchOptions limits;              ///< what a reply reads of its conversation
  DecodeOffer decode;                     ///< how replies are chosen
  std::vector<AttentionLevel> attention;  ///< how closely its attention can be told
  Company company;                        ///< what it changes, in a trial
  std::shared_ptr<RowModel> rows;         ///< for the engine
};

}  // namespace banter::serve
