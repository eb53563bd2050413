#include "serve/sessions/replay.h"

#include <algorithm>
#include <utility>

namespace banter::serve {
namespace {

/// Whether a frame only tells how far the turn with this request's id is.
bool is_part_of(const ServerFrame& frame, const std::string& id) {
  if (const auto* delta = std::get_if<Delta>(&frame)) return delta->id == id;
  if (const auto* progress = std::get_if<Progress>(&frame)) return progress->id == id;
  return false;
}

}  // namespace

void Replay::add(std::int64_t seq, ServerFrame frame, std::int64_t bytes) {
  if (const auto* done = std::get_if<Done>(&frame))
    std::erase_if(entries_, [&](const Entry& entry) {
      if (!is_part_of(entry.frame, done->id)) return false;
      bytes_ -= entry.bytes;
      return true;
    });
  entries_.push_back({seq, std::move(frame), bytes});
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
  }
}

std::vector<ServerFrame> Replay::take_after(std::int64_t seq) {
  std::vector<ServerFrame> frames;
  for (auto& entry : entries_)
    if (entry.seq > seq) frames.push_back(std::move(entry.frame));
  entries_.clear();
  bytes_ = 0;
  return frames;
}

}  // namespace banter::serve
