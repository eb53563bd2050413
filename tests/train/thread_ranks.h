#pragma once

#include <algorithm>
#include <barrier>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "train/ranks/ranks.h"

namespace banter::tests {

/// Processes of a data-parallel training as threads of one.
class ThreadRanks : public train::Ranks {
 public:
  /// Where they meet.
  struct Meeting {
    explicit Meeting(int of) : gate(of), places(static_cast<std::size_t>(of)) {}
    std::barrier<> gate;
    std::vector<void*> places;
  };

  ThreadRanks(int rank, Meeting& meeting) : rank_(rank), meeting_(meeting) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return static_cast<int>(meeting_.places.size()); }
  [[nodiscard]] int local_size() const override { return size(); }
  [[nodiscard]] int local_rank() const override { return rank_; }
  [[nodiscard]] std::string machine() const override { return "machine-" + std::to_string(rank_); }

  void sum(std::span<std::int64_t> values) override { add_up(values); }
  void sum(std::span<double> values) override { add_up(values); }
  void sum(std::span<float> values) override { add_up(values); }
  void broadcast(std::span<std::byte> bytes) override {
    meet(bytes.data());
    if (rank_ != 0 && !bytes.empty())
      std::memcpy(bytes.data(), meeting_.places.front(), bytes.size());
    wait();
  }
  std::vector<std::string> gather(const std::string& text) override {
    auto own = text;
    meet(&own);
    std::vector<std::string> texts;
    if (rank_ == 0)
      for (const auto* place : meeting_.places)
        texts.push_back(*static_cast<const std::string*>(place));
    wait();
    return texts;
  }
  void wait() override { meeting_.gate.arrive_and_wait(); }
  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }

 private:
  void meet(void* place) {
    meeting_.places[static_cast<std::size_t>(rank_)] = place;
    wait();
  }
  template <typename Number>
  void add_up(std::span<Number> values) {
    meet(values.data());
    std::vector<Number> all(values.size());
    for (const auto* place : meeting_.places)
      for (std::size_t i = 0; i < all.size(); ++i) all[i] += static_cast<const Number*>(place)[i];
    wait();
    std::ranges::copy(all, values.begin());
  }

  int rank_;
  Meeting& meeting_;
};

/// What `part` returns at each of so many processes; it must not throw.
template <typename Part>
auto together(int processes, const Part& part) {
  ThreadRanks::Meeting meeting(processes);
  std::vector<decltype(part(std::declval<train::Ranks&>()))> results(
      static_cast<std::size_t>(processes));
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < processes; ++rank)
      threads.emplace_back([&, rank] {
        ThreadRanks ranks(rank, meeting);
        results[static_cast<std::size_t>(rank)] = part(ranks);
      });
  }
  return results;
}

}  // namespace banter::tests
