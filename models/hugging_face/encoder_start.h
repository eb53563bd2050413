#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "data/tokenizer/tokenizer.h"

namespace banter::models {

/// What a model took from a pretrained encoder before it began to learn.
struct EncoderStart {
  std::string place;       ///< the folder or file
  std::string hash;        ///< of all files that are read there
  std::string model_type;  ///< "bert"
  std::vector<std::string>
      copied;                      ///< names of parameters, tables of words with some rows included
  std::vector<std::string> fresh;  ///< that start by the model's own rule
  std::string vocabulary;          ///< its file, "" = there is none, and all words start fresh
  std::int64_t pieces = 0;         ///< of our tokenizer that stand for text, bytes aside
  std::int64_t copied_pieces = 0;  ///< of them: with a row of the file's
  std::vector<std::string> notes;  ///< what it left of the file
  std::vector<std::string> warnings;
};

/// The types of models that may start so, "nli and stack_propagation".
std::string types_that_start_from_encoders();
bool starts_from_encoder(std::string_view model_type);

/// Starts a model's encoder, and of a `stack_propagation` its decoders too, from a BERT, RoBERTa,
/// XLM-R or CamemBERT: a Hugging Face folder, or a safetensors file, beside which config.json and
/// the vocabulary may lie.
///
/// Decoders take self-attention, feed-forward parts and norms of the same layers; what they attend
/// to else starts fresh. They have no kinds of tokens: kind 0 is added to their positions. The
/// kinds of tokens are the file's, or its one for both. Words take the row of the piece that stands
/// for the same text, see `rows_of_words`. A model of fewer layers takes the first ones.
///
/// Throws   ConfigError "<where>: ..." naming all keys of `model` that do not agree, with the
/// values
///          to set, or where no piece of the tokenizer has a row; CheckpointError naming tensors
///          that are missing, unknown, misshapen or not finite, and for pickles, which are not
///          read; DataError for what is wrong with config.json or the vocabulary; FileError. Then
///          nothing was copied
/// Source   Devlin et al. 2019, arXiv:1810.04805; Liu et al. 2019, arXiv:1907.11692; the decoders'
///          start: Song et al. 2021, arXiv:2106.06169, section 3.3
EncoderStart start_from_encoder(torch::nn::Module& model, const data::Tokenizer& tokenizer,
                                const std::filesystem::path& place, std::string_view where);

}  // namespace banter::models
