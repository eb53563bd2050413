#pragma once

#include <filesystem>

#include "data/options.h"
#include "data/problems.h"
#include "data/store/store.h"

namespace banter::data {

/// What `prepare` came to.
struct PrepareResult {
  bool made = false;  ///< false: the store was there already, made from equal inputs
  Problems problems;  ///< of the corpora, when they were read
};

struct PrepareRequest {
  std::filesystem::path store;  ///< folder to make
  DataOptions data;
  Shard shard;         ///< which part to make; more than one: in its folder in `store`
  bool force = false;  ///< an existing store made from other inputs (or tokenizer) is replaced
  bool quiet = false;  ///< no progress
};

/// Corpora -> tokenizer and store.
///
/// Reads the sources three times (their hash, a sample for the tokenizer, the ids; the first of the
/// last two again where no record fell in `valid` and one must be chosen), so that memory does not
/// depend on their size, and the store that is there once. Writes beside it under a lock, syncs,
/// and swaps it in at the end: a crash leaves what was there. A store made from equal inputs is
/// left alone. After a signal or a crash the same request goes on where it was.
/// Throws   FileError, DataError, Stopped, ConfigError when the store lies inside a source; then
///          nothing was changed
PrepareResult prepare(const PrepareRequest& request);

/// A tokenizer that was trained.
struct TrainedTokenizer {
  Tokenizer tokenizer;
  Problems problems;       ///< of the corpora
  double valid_below = 0;  ///< draws below it are `valid`, see valid_below
};

/// Trains the tokenizer that `prepare` would train and writes it, so that shards can be prepared
/// with it (`data.tokenizer.path`).
/// Throws   FileError, Stopped; DataError, also when the file is there and may not be replaced;
///          ConfigError when it lies inside a source; then nothing was changed
TrainedTokenizer prepare_tokenizer(const PrepareRequest& request,
                                   const std::filesystem::path& file);

}  // namespace banter::data
