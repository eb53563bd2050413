#include "data/preparation/encoding_queue.h"

#include <algorithm>
#include <thread>

#include "data/reading/memory_of.h"

namespace banter::data {
namespace {

constexpr std::size_t kMaxRecords = 512;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr unsigned kMaxThreads = 16;

}  // namespace

EncodingQueue::EncodingQueue(const Tokenizer& tokenizer, StoreWriter& writer) : writer_(writer) {
  const auto threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMaxThreads);
  for (unsigned i = 0; i < threads; ++i)
    encoders_.push_back(std::make_unique<WordEncoder>(tokenizer));
}

void EncodingQueue::add(std::string split, Record record) {
  bytes_ += memory_of(record);
  waiting_.emplace_back(std::move(split), std::move(record));
  if (waiting_.size() >= kMaxRecords || bytes_ >= kMaxBytes) flush();
}

void EncodingQueue::finish() {
  flush();
  while (!running_.empty()) write_first();
}

void EncodingQueue::flush() {
  if (waiting_.empty()) return;
  if (running_.size() == encoders_.size()) write_first();
  auto& encoder = *encoders_[pieces_++ % encoders_.size()];
  running_.push_back(
      std::async(std::launch::async, [&encoder, piece = std::exchange(waiting_, {})]() mutable {
        Piece encoded;
        encoded.reserve(piece.size());
        for (auto& [split, record] : piece)
          encoded.emplace_back(std::move(split), encode(std::move(record), encoder));
        return encoded;
      }));
  bytes_ = 0;
}

void EncodingQueue::write_first() {
  const Piece piece = running_.front().get();
  running_.erase(running_.begin());
  for (const auto& [split, record] : piece) writer_.add(split, record);
}

}  // namespace banter::data
