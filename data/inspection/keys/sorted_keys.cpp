#include "data/inspection/keys/sorted_keys.h"

#include <algorithm>
#include <utility>

namespace banter::data {

SortedKeys::SortedKeys(std::shared_ptr<KeyFile> file, std::size_t buffer_bytes)
    : file_(std::move(file)), buffer_keys_(std::max<std::size_t>(2, buffer_bytes / sizeof(Key))) {}

void SortedKeys::add(const Key& key) {
  if (buffer_.size() == buffer_keys_) spill();
  if (buffer_.size() == buffer_.capacity())
    buffer_.reserve(std::min(buffer_keys_, std::max<std::size_t>(64, buffer_.size() * 2)));
  buffer_.push_back(key);
  ++size_;
}

void SortedKeys::spill() {
  if (buffer_.empty()) return;
  std::ranges::sort(buffer_);
  const auto begin = file_->append(buffer_);
  runs_.push_back({begin, begin + buffer_.size()});
  std::vector<Key>().swap(buffer_);
}

SortedKeys::Cursor SortedKeys::cursor() {
  if (runs_.empty()) {
    std::ranges::sort(buffer_);
    std::vector<Cursor::Run> runs(1);
    runs[0].block = buffer_;
    return {*file_, std::move(runs), buffer_keys_};
  }
  spill();
  std::vector<Cursor::Run> runs;
  runs.reserve(runs_.size());
  for (const auto& run : runs_) runs.push_back({{}, 0, run.begin, run.end});
  const auto block_keys = std::max<std::size_t>(1, buffer_keys_ / runs.size());
  return {*file_, std::move(runs), block_keys};
}

SortedKeys::Cursor::Cursor(const KeyFile& file, std::vector<Run> runs, std::size_t block_keys)
    : file_(&file), runs_(std::move(runs)), block_keys_(block_keys) {
  std::erase_if(runs_, [&](Run& run) { return run.block.empty() && !fill(run); });
  for (std::size_t at = runs_.size() / 2; at-- > 0;) sift_down(at);
}

bool SortedKeys::Cursor::fill(Run& run) const {
  const auto keys =
      static_cast<std::size_t>(std::min<std::uint64_t>(block_keys_, run.end - run.begin));
  run.at = 0;
  run.block.resize(keys);
  if (keys == 0) return false;
  file_->read(run.begin, run.block);
  run.begin += keys;
  return true;
}

void SortedKeys::Cursor::sift_down(std::size_t at) {
  const auto next = [&](std::size_t i) -> const Key& { return runs_[i].block[runs_[i].at]; };
  for (;;) {
    auto smallest = at;
    for (const auto child : {2 * at + 1, 2 * at + 2})
      if (child < runs_.size() && next(child) < next(smallest)) smallest = child;
    if (smallest == at) return;
    std::swap(runs_[at], runs_[smallest]);
    at = smallest;
  }
}

void SortedKeys::Cursor::advance_first() {
  auto& first = runs_.front();
  if (++first.at == first.block.size() && !fill(first)) {
    std::swap(first, runs_.back());
    runs_.pop_back();
  }
  sift_down(0);
}

bool SortedKeys::Cursor::next() {
  if (runs_.empty()) return false;
  key_ = runs_.front().block[runs_.front().at];
  count_ = 0;
  while (!runs_.empty() && runs_.front().block[runs_.front().at] == key_) {
    ++count_;
    advance_first();
  }
  return true;
}

}  // namespace banter::data
