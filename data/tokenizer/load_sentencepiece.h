#pragma once

#include <exception>
#include <string>

#include <sentencepiece_processor.h>

namespace banter::data {

/// Reads a model; false when it is none. The library tells most faults by its status, but throws
/// for some, as for an empty piece.
inline bool load_sentencepiece(sentencepiece::SentencePieceProcessor& into,
                               const std::string& model) {
  try {
    return into.LoadFromSerializedProto({model.data(), model.size()}).ok() &&
           into.GetPieceSize() > 0;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace banter::data
