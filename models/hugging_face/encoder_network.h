#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "models/layers/transformer/transformer_options.h"

/// The encoders of Hugging Face's `transformers` that an encoder of banter's may start from.
namespace banter::models {

/// A pretrained encoder's sizes, and what must be a model's options for it to be the same.
struct EncoderNetwork {
  std::string model_type;     ///< "bert"
  TransformerOptions layers;  ///< heads are 0 where nothing says them
  std::int64_t layer_count = 0;
  std::int64_t kinds = 0;       ///< token types
  std::int64_t vocab_size = 0;  ///< rows of the table of words

  /// Rows of its table of positions.
  [[nodiscard]] std::int64_t position_rows() const {
    return layers.max_positions + layers.position_offset;
  }
};

/// The options that all of them need: norms behind, positions learned, an embedding norm, ...
TransformerOptions encoder_options();
constexpr std::int64_t kRobertaPad = 1;  ///< where nothing else is said

/// Rows before the first position's: none of a BERT; of the others those up to the pad's.
std::int64_t position_offset_of(std::string_view model_type, std::int64_t pad);
/// The eps of its norms where no config.json says it.
double usual_norm_eps(std::string_view model_type);

/// Reads the config.json of a BERT, RoBERTa, XLM-R or CamemBERT.
/// Throws   DataError naming `where`, the key and what it must be
/// Source   transformers 5.24, configuration_bert.py and configuration_roberta.py
EncoderNetwork encoder_network_of(const base::json::object& config, std::string_view where);

/// The keys of `model` that are other than the network needs, with the values to set:
/// "model.norm: post". `options` and `layers`, the counts by their keys, are the model's.
std::vector<std::string> keys_to_set(
    const EncoderNetwork& network, const TransformerOptions& options,
    const std::vector<std::pair<std::string_view, std::int64_t>>& layers);

}  // namespace banter::models
