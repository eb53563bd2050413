#pragma once

#include <string>
#include <vector>

namespace banter::data {

/// The symbols that every tokenizer of ours has besides its pieces, by their ids: <pad>, <unk>,
/// <s>, </s>, then the control symbols.
std::vector<std::string> own_symbols();
/// Those behind the first four, in the order of their ids.
std::vector<std::string> control_symbols();

/// A SentencePiece model that was made elsewhere as `banter prepare` makes them: the same pieces
/// with the same scores behind our symbols and 256 bytes, so that words are cut as before, what has
/// no piece is spelt in bytes, and texts stay as they are (its normalisation goes; `data.cleaning`
/// has one). Its own marks, unused pieces and bytes stay behind. A model that has our symbols comes
/// back as it is.
///
/// Throws   DataError when it is no SentencePiece model, has whole words as pieces, writes spaces
///          behind words or otherwise than as U+2581, or has no piece for one by itself
/// Source   google/sentencepiece 0.1.97, src/sentencepiece_model.proto; protobuf.dev, "Encoding"
std::string with_own_symbols(std::string model);

}  // namespace banter::data
