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

/// A model as those see it who talk with it: names, texts and limits, no tensors.
struct ServedModel {
  ModelName name;
  std::shared_ptr<const data::Tokenizer> tokenizer;
  data::BatchOptions limits;              ///< what a reply reads of its conversation
  DecodeOffer decode;                     ///< how replies are chosen
  std::vector<AttentionLevel> attention;  ///< how closely its attention can be told
  /// The largest difference, in nats, between a token's log-probability when its reply is made
  /// alone and beside others, in a trial over the numbers of rows; nothing when other tokens came.
  std::optional<double> company_difference = 0;
  std::shared_ptr<RowModel> rows;  ///< for the engine
};

}  // namespace banter::serve
