#include "data/preparation/encoding_queue.h"

#include <algorithm>

#include "data/reading/memory_of.h"

namespace banter::data {
namespace {

constexpr std::size_t kMaxRecords = 512;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr unsigned kMaxThreads = 16;
constexpr std::size_t kPiecesAThread = 2;  // one is made, the next waits while the caller writes

}  // namespace

EncodingQueue::EncodingQueue(const Tokenizer& tokenizer, StoreWriter& writer) : writer_(writer) {
  const auto threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMaxThreads);
  for (unsigned i = 0; i < threads; ++i)
    threads_.emplace_back([this, &tokenizer] { work(WordEncoder(tokenizer)); });
}

EncodingQueue::~EncodingQueue() {
  {
    const std::lock_guard lock(mutex_);
    tasks_.clear();
    ended_ = true;
  }
  has_task_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void EncodingQueue::work(WordEncoder encoder) {
  for (;;) {
    std::unique_lock lock(mutex_);
    has_task_.wait(lock, [&] { return !tasks_.empty() || ended_; });
    if (tasks_.empty()) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task(encoder);
  }
}

void EncodingQueue::add(std::string split, Record record) {
  bytes_ += memory_of(record);
  waiting_.emplace_back(std::move(split), std::move(record));
  if (waiting_.size() >= kMaxRecords || bytes_ >= kMaxBytes) flush();
}

void EncodingQueue::finish() {
  flush();
  while (!promised_.empty()) write_first();
}

void EncodingQueue::flush() {
  if (waiting_.empty()) return;
  if (promised_.size() == threads_.size() * kPiecesAThread) write_first();
  Task task([piece = std::exchange(waiting_, {})](WordEncoder& encoder) mutable {
    Piece encoded;
    encoded.reserve(piece.size());
    for (auto& [split, record] : piece)
      encoded.emplace_back(std::move(split), encode(std::move(record), encoder));
    return encoded;
  });
  bytes_ = 0;
  promised_.push_back(task.get_future());
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  has_task_.notify_one();
}

void EncodingQueue::write_first() {
  const Piece piece = promised_.front().get();
  promised_.pop_front();
  for (const auto& [split, record] : piece) writer_.add(split, record);
}

}  // namespace banter::data
