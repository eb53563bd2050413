#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

#include "base/signals.h"

namespace banter::train {

/// Gives `work(begin, end)` the numbers below `count` in pieces of at most `piece`, on all cores.
///
/// Throws   Stopped when a signal came, and what `work` throws
/// Threads  `work` is called by several at once, each number for one of them
template <typename Work>
void in_parallel(std::size_t count, std::size_t piece, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto take_pieces = [&] {
    for (auto begin = next.fetch_add(piece); begin < count; begin = next.fetch_add(piece)) {
      base::throw_if_stopped();
      work(begin, std::min(begin + piece, count));
    }
  };
  const auto pieces = (count + piece - 1) / piece;
  const auto cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  std::vector<std::future<void>> helpers;
  for (std::size_t i = 1; i < std::min(cores, pieces); ++i)
    helpers.push_back(std::async(std::launch::async, take_pieces));
  take_pieces();
  for (auto& helper : helpers) helper.get();
}

}  // namespace banter::train
