#include "data/preparation/encoding_queue.h"

namespace banter::data {
namespace {

constexpr std::size_t kMaxDialogues = 256;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::size_t kThreads = 2;

/// About what a dialogue takes of memory, however short its texts are.
std::size_t memory_of(const Dialogue& dialogue) {
  std::size_t bytes = sizeof(Dialogue);
  const auto add = [&](const std::string& text) { bytes += sizeof(std::string) + text.size(); };
  add(dialogue.id);
  for (const auto& turn : dialogue.turns)
    for (const auto* text : {&turn.speaker, &turn.text, &turn.time}) add(*text);
  for (const auto& [speaker, facts] : dialogue.personas) {
    add(speaker);
    for (const auto& fact : facts) add(fact);
  }
  for (const auto& [key, value] : dialogue.meta) {
    add(key);
    add(value);
  }
  return bytes;
}

}  // namespace

void EncodingQueue::add(std::string split, Dialogue dialogue) {
  bytes_ += memory_of(dialogue);
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
