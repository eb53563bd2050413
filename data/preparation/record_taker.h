#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/json.hpp>

#include "data/preparation/encoding_queue.h"
#include "data/preparation/partial_store.h"
#include "data/store/store_writer.h"

namespace banter::data {

/// Takes the records of the last reading into a partial store, behind those that were written
/// before the program was stopped, and keeps now and then how far it is.
class RecordTaker {
 public:
  /// `partial` must outlive it. Throws   FileError, DataError
  RecordTaker(const Tokenizer& tokenizer, std::uint64_t checkpoint_records, PartialStore& partial);

  void take(const std::string& split, Record&& record);  ///< Throws   FileError (disk full)
  /// Makes all that was taken durable. Throws   FileError
  void save();
  /// Finishes the store, which is durable then.
  /// Throws   FileError; DataError when fewer records came than were there
  void finish(const boost::json::object& about);

 private:
  std::uint64_t checkpoint_records_;
  PartialStore& partial_;
  std::unique_ptr<StoreWriter> writer_;
  EncodingQueue queue_;
  std::uint64_t there_;  ///< records that the store holds from before
  std::uint64_t taken_ = 0;
};

}  // namespace banter::data
