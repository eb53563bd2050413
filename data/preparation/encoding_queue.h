#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data/store/store_writer.h"

namespace banter::data {

/// Encodes records in pieces on further threads, one a core, while the caller reads on; they are
/// written in the order they came in. Holds a few pieces, whatever the records' size.
class EncodingQueue {
 public:
  /// Both must outlive it.
  EncodingQueue(const Tokenizer& tokenizer, StoreWriter& writer);
  ~EncodingQueue();  ///< what is not written is given up
  EncodingQueue(const EncodingQueue&) = delete;
  EncodingQueue& operator=(const EncodingQueue&) = delete;

  void add(std::string split, Record record);  ///< Throws   FileError (disk full)
  void finish();                               ///< writes the rest. Throws   FileError

 private:
  using Piece = std::vector<std::pair<std::string, EncodedRecord>>;  // split, record
  using Task = std::packaged_task<Piece(WordEncoder&)>;
  void flush();
  void write_first();
  void work(WordEncoder encoder);  ///< what a thread does

  StoreWriter& writer_;
  std::vector<std::pair<std::string, Record>> waiting_;
  std::size_t bytes_ = 0;                    ///< of those that wait
  std::deque<std::future<Piece>> promised_;  ///< of the pieces that are not written, in order

  std::mutex mutex_;
  std::condition_variable has_task_;
  std::deque<Task> tasks_;  ///< not begun
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace banter::data
