#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace banter::serve {

struct MeterLimits {
  std::size_t max_fragments = 0;       ///< frames of one message
  std::size_t max_control_frames = 0;  ///< pings, pongs and closes within one window
  std::chrono::milliseconds control_window{0};
};

/// Reads the headers of a peer's frames as the bytes come in, beside the WebSocket library, which
/// neither counts frames nor says when a message began. It judges counts only: malformed frames
/// are the library's to refuse.
class FrameMeter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit FrameMeter(MeterLimits limits) : limits_(limits) {}

  /// Reads on. Returns how many of the bytes stand before the frame that breaks a limit: all of
  /// them while none does, and none once one has.
  std::size_t take(std::span<const std::byte> bytes, Clock::time_point now);

  /// A frame has broken a limit.
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  /// A message, or a frame of any kind, has begun and is not over.
  [[nodiscard]] bool is_inside() const { return header_size_ > 0 || left_ > 0 || is_open_; }
  /// Rises whenever `is_inside` becomes true: which message it is that has not ended.
  [[nodiscard]] std::uint64_t begun() const { return begun_; }

 private:
  bool is_allowed(std::uint8_t first_byte, Clock::time_point now);
  [[nodiscard]] std::size_t header_bytes() const;
  void end_header();

  MeterLimits limits_;
  std::array<std::uint8_t, 14> header_{};
  std::size_t header_size_ = 0;  ///< bytes of the present frame's header so far
  std::uint64_t left_ = 0;       ///< payload bytes of the present frame still to come
  bool is_open_ = false;         ///< a message's first frame was not its last
  bool is_broken_ = false;
  std::uint64_t begun_ = 0;
  std::size_t fragments_ = 0;
  std::size_t control_frames_ = 0;
  Clock::time_point window_ends_{};
};

}  // namespace banter::serve
