#pragma once

#include <cstddef>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "data/store_writer.h"

namespace banter::data {

/// Encodes dialogues in pieces on two further threads while the caller reads on; they are written
/// in the order they came in. Holds a few pieces, whatever the dialogues' size.
class EncodingQueue {
 public:
  /// Both must outlive it.
  EncodingQueue(const Tokenizer& tokenizer, StoreWriter& writer)
      : tokenizer_(tokenizer), writer_(writer) {}

  void add(std::string split, Dialogue dialogue);  ///< Throws   FileError (disk full)
  void finish();                                   ///< writes the rest. Throws   FileError

 private:
  using Piece = std::vector<std::pair<std::string, EncodedDialogue>>;  // split, dialogue
  void flush();
  void write_first();

  const Tokenizer& tokenizer_;
  StoreWriter& writer_;
  std::vector<std::pair<std::string, Dialogue>> waiting_;
  std::size_t bytes_ = 0;  ///< of those that wait
  std::vector<std::future<Piece>> running_;
};

}  // namespace banter::data
