#include "data/input/stream.h"

#include <algorithm>
#include <utility>

#include "base/signals.h"

namespace banter::data {
namespace {
constexpr std::size_t kBufferBytes = std::size_t{1} << 16;
}

InputStream::InputStream(Place place, std::string name, Fill fill)
    : place_(std::move(place)),
      name_(std::move(name)),
      fill_(std::move(fill)),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

/// Reads more behind what is there. Damage is kept until the good bytes before it are taken.
bool InputStream::fill_more() {
  if (ended_) return false;
  if (begin_ > 0) {
    std::copy(buffer_.get() + begin_, buffer_.get() + end_, buffer_.get());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == kBufferBytes) return false;
  base::throw_if_stopped();  // here, where every byte of a corpus comes by
  try {
    const auto count = fill_(buffer_.get() + end_, kBufferBytes - end_);
    end_ += count;
    ended_ = count == 0;
  } catch (const DamagedInput&) {
    damage_ = std::current_exception();
    ended_ = true;
  }
  return !ended_;
}

std::string_view InputStream::peek(std::size_t size) {
  while (end_ - begin_ < size && fill_more()) {
  }
  return {buffer_.get() + begin_, std::min(size, end_ - begin_)};
}

std::string_view InputStream::chunk() {
  if (begin_ == end_) fill_more();
  if (begin_ == end_ && damage_) std::rethrow_exception(damage_);
  return {buffer_.get() + begin_, end_ - begin_};
}

void InputStream::consume(std::size_t size) {
  begin_ += size;
  offset_ += size;
}

}  // namespace banter::data
