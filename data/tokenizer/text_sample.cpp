#include "data/tokenizer/text_sample.h"

#include <algorithm>

#include "base/random.h"

namespace banter::data {

bool TextSample::smaller_key(const Entry& a, const Entry& b) { return a.key < b.key; }

TextSample::TextSample(std::uint64_t max_bytes, std::uint64_t seed)
    : max_bytes_(max_bytes), seed_(seed) {}

void TextSample::add(std::string_view text) {
  const std::uint64_t number = offered_++;
  const std::uint64_t key = base::join_keys(seed_, number);
  // Once something was dropped, a larger key would be dropped too: spare the copy.
  if (dropped_ && (heap_.empty() || key > heap_.front().key)) return;
  heap_.push_back({key, number, std::string(text)});
  std::push_heap(heap_.begin(), heap_.end(), smaller_key);
  bytes_ += text.size();
  while (bytes_ > max_bytes_ && heap_.size() > 1) {
    std::pop_heap(heap_.begin(), heap_.end(), smaller_key);
    bytes_ -= heap_.back().text.size();
    heap_.pop_back();
    dropped_ = true;
  }
}

std::optional<std::string> TextSample::take() {
  if (!sorted_) {
    std::ranges::sort(heap_, {}, &Entry::number);
    sorted_ = true;
  }
  if (taken_ == heap_.size()) {
    heap_.clear();
    heap_.shrink_to_fit();
    taken_ = 0;
    return std::nullopt;
  }
  return std::move(heap_[taken_++].text);
}

}  // namespace banter::data
