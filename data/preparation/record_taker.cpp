#include "data/preparation/record_taker.h"

#include <utility>

#include "base/errors.h"

namespace banter::data {

namespace json = boost::json;

namespace {

std::unique_ptr<StoreWriter> writer_for(const Tokenizer& tokenizer, PartialStore& partial) {
  if (const auto* checkpoint = partial.find("checkpoint")) try {
      return std::make_unique<StoreWriter>(partial.store(), tokenizer, *checkpoint);
    } catch (const base::FileError&) {
      partial.forget("checkpoint");  // its files are not there: begin anew
    }
  partial.clear_store();
  return std::make_unique<StoreWriter>(partial.store(), tokenizer);
}

}  // namespace

RecordTaker::RecordTaker(const Tokenizer& tokenizer, std::uint64_t checkpoint_records,
                         PartialStore& partial)
    : checkpoint_records_(checkpoint_records),
      partial_(partial),
      writer_(writer_for(tokenizer, partial)),
      queue_(tokenizer, *writer_),
      there_(writer_->records()) {}

void RecordTaker::take(const std::string& split, Record&& record) {
  if (taken_++ < there_) return writer_->skip(split, record);
  queue_.add(split, std::move(record));
  if (taken_ % checkpoint_records_ == 0) save();
}

void RecordTaker::save() {
  queue_.finish();
  partial_.keep("checkpoint", writer_->checkpoint());
}

void RecordTaker::finish(const json::object& about) {
  if (taken_ < there_)
    throw base::DataError("data.sources changed while they were read: prepare again");
  save();
  writer_->finish(about);
}

}  // namespace banter::data
