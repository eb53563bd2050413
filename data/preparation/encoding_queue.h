#pragma once

#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/store/store_writer.h"

namespace banter::data {

/// Encodes records in pieces on further threads, one a core, while the caller reads on; they are
/// written in the order they came in. Holds a few pieces, whatever the records' size.
class EncodingQueue {
 public:
  /// The writer must outlive it.
  EncodingQueue(const Tokenizer& tokenizer, StoreWriter& writer);

  void add(std::string split, Record record);  ///< Throws   FileError (disk full)
  void finish();                               ///< writes the rest. Throws   FileError

 private:
  using Piece = std::vector<std::pair<std::string, EncodedRecord>>;  // split, record
  void flush();
  void write_first();

  StoreWriter& writer_;
  std::vector<std::pair<std::string, Record>> waiting_;
  std::size_t bytes_ = 0;  ///< of those that wait
  /// Piece number n is made by encoder n modulo their count, which is free by then.
  std::vector<std::unique_ptr<WordEncoder>> encoders_;
  std::size_t pieces_ = 0;  ///< begun so far
  std::vector<std::future<Piece>> running_;
};

}  // namespace banter::data
