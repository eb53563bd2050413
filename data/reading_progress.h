#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/progress.h"

namespace banter::data {

/// Shows how many MB were read; given on by `std::ref` as what is told of bytes.
class ReadingProgress {
 public:
  /// `bytes` in all, 0 = not known.
  ReadingProgress(std::string label, std::uint64_t bytes, bool quiet)
      : progress_({.label = std::move(label), .unit = "MB", .total = bytes >> 20, .quiet = quiet}) {
  }

  void operator()(std::uint64_t bytes) { progress_.update((read_ += bytes) >> 20); }

 private:
  base::Progress progress_;
  std::uint64_t read_ = 0;
};

}  // namespace banter::data
