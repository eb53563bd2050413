#include "serve/net/frame_meter.h"

#include <algorithm>

namespace banter::serve {
namespace {

constexpr bool is_final(std::uint8_t first_byte) { return (first_byte & 0x80U) != 0; }
constexpr bool is_control(std::uint8_t first_byte) { return (first_byte & 0x08U) != 0; }

}  // namespace

std::size_t FrameMeter::take(std::span<const std::byte> bytes, Clock::time_point now) {
  std::size_t at = 0;
  while (at < bytes.size() && !is_broken_) {
    if (left_ > 0) {
      const auto payload = std::min<std::uint64_t>(left_, bytes.size() - at);
      left_ -= payload;
      at += static_cast<std::size_t>(payload);
      continue;
    }
    const auto byte = std::to_integer<std::uint8_t>(bytes[at]);
    if (header_size_ == 0 && !is_allowed(byte, now)) {
      is_broken_ = true;
      break;
    }
    header_[header_size_++] = byte;
    ++at;
    if (header_size_ >= 2 && header_size_ == header_bytes()) end_header();
  }
  return at;
}

bool FrameMeter::is_allowed(std::uint8_t first_byte, Clock::time_point now) {
  if (!is_open_) ++begun_;
  if (!is_control(first_byte)) {
    fragments_ = is_open_ ? fragments_ + 1 : 1;
    return fragments_ <= limits_.max_fragments;
  }
  if (now >= window_ends_) {
    window_ends_ = now + limits_.control_window;
    control_frames_ = 0;
  }
  return ++control_frames_ <= limits_.max_control_frames;
}

std::size_t FrameMeter::header_bytes() const {
  const auto length = header_[1] & 0x7fU;
  const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  return 2 + extended + ((header_[1] & 0x80U) != 0 ? 4 : 0);
}

void FrameMeter::end_header() {
  const auto length = header_[1] & 0x7fU;
  const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  left_ = extended == 0 ? length : 0;
  for (std::size_t i = 0; i < extended; ++i) left_ = (left_ << 8U) | header_[2 + i];
  if (!is_control(header_[0])) is_open_ = !is_final(header_[0]);
  header_size_ = 0;
}

}  // namespace banter::serve
