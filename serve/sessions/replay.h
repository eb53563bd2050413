#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "serve/protocol/server_frame.h"

namespace banter::serve {

/// The last frames of a session, for a client whose connection was lost. What is beyond the bound
/// goes, oldest first; deltas and progress of a turn go with its `done`, which says all of it.
///
/// Threads  one at a time
class Replay {
 public:
  explicit Replay(std::int64_t max_bytes) : max_bytes_(max_bytes) {}

  /// `bytes`: what the frame takes, about.
  void add(std::int64_t seq, ServerFrame frame, std::int64_t bytes);
  /// Takes out the frames behind `seq`, in order: who sends them again adds them again.
  std::vector<ServerFrame> take_after(std::int64_t seq);

  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::int64_t seq = 0;
    ServerFrame frame;
    std::int64_t bytes = 0;
  };
  std::int64_t max_bytes_, bytes_ = 0;
  std::deque<Entry> entries_;
};

}  // namespace banter::serve
