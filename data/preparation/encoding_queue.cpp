#include "data/preparation/encoding_queue.h"

namespace banter::data {
namespace {

constexpr std::size_t kMaxDialogues = 256;
constexpr std::size_t kMaxBytes = std::size_t{1} << 19;
constexpr std::size_t kThreads = 2;

}  // namespace

void EncodingQueue::add(std::string split, Dialogue dialogue) {
  for (const auto& turn : dialogue.turns) bytes_ += turn.text.size();
  for (const auto& [speaker, facts] : dialogue.personas)
    for (const auto& fact : facts) bytes_ += fact.size();
  for (const auto& [key, value] : dialogue.meta) bytes_ += key.size() + value.size();
  waiting_.emplace_back(std::move(split), std::move(dialogue));
  if (waiting_.size() >= kMaxDialogues || bytes_ >= kMaxBytes) flush();
}

void EncodingQueue::finish() {
  flush();
  while (!running_.empty()) write_first();
}

void EncodingQueue::flush() {
  if (waiting_.empty()) return;
  if (running_.size() == kThreads) write_first();
  running_.push_back(
      std::async(std::launch::async, [this, piece = std::exchange(waiting_, {})]() mutable {
        Piece encoded;
        for (auto& [split, dialogue] : piece)
          encoded.emplace_back(std::move(split), encode(std::move(dialogue), tokenizer_));
        return encoded;
      }));
  bytes_ = 0;
}

void EncodingQueue::write_first() {
  const Piece piece = running_.front().get();
  running_.erase(running_.begin());
  for (const auto& [split, dialogue] : piece) writer_.add(split, dialogue);
}

}  // namespace banter::data
