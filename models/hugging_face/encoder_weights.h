#pragma once

#include <filesystem>

#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/encoder_network.h"

namespace banter::models {

/// A pretrained encoder's tensors by BERT's names without prefix, in float32, each in its shape:
/// "encoder.layer.0.attention.self.query.weight".
struct EncoderWeights {
  EncoderNetwork network;
  NamedTensors tensors;
};

/// Reads a Hugging Face folder, or a safetensors file. Where no config.json lies beside it, sizes
/// are the tensors', one kind of tokens or the prefix `roberta.` makes a RoBERTa, and heads stay
/// unsaid. Heads for other tasks, the pooler and numbers of positions are passed over; `gamma` and
/// `beta` are old names of a norm's weight and bias.
///
/// Throws   FileError; DataError for config.json; CheckpointError for pickles, and naming tensors
///          that are missing, unknown, twice there or misshapen
EncoderWeights read_encoder(const std::filesystem::path& place);

}  // namespace banter::models
