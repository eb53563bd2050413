#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <utility>

namespace banter::serve {

/// What a queue does with the first job of an owner.
enum class Pick : std::uint8_t {
  kTake,
  kPass,  ///< its owner is passed over this time
  kWait,  ///< nothing is taken before it
};

/// A queue for each owner; owners take turns, so that one with many jobs delays the others by one
/// job each and no more. A round-robin over those who wait.
///
/// Threads  one at a time
template <typename Job>
class FairQueue {
 public:
  void push(const std::string& owner, Job job) {
    auto lane = std::ranges::find(lanes_, owner, &Lane::owner);
    if (lane == lanes_.end()) lane = lanes_.insert(lanes_.end(), {owner, {}});
    lane->jobs.push_back(std::move(job));
    ++size_;
  }

  /// Takes the first job that `pick(owner, job)` takes, of the owners in their turn; its owner is
  /// the last in turn then. Nothing when there is none.
  template <typename PickOf>
  std::optional<Job> pop(const PickOf& pick) {
    for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
      const Pick picked = pick(lane->owner, lane->jobs.front());
      if (picked == Pick::kWait) return {};
      if (picked == Pick::kPass) continue;
      std::optional<Job> job(std::move(lane->jobs.front()));
      lane->jobs.pop_front();
      --size_;
      if (lane->jobs.empty())
        lanes_.erase(lane);
      else
        lanes_.splice(lanes_.end(), lanes_, lane);
      return job;
    }
    return {};
  }

  /// Takes out the jobs that `is_dead(job)`, in no order that matters.
  template <typename IsDead, typename Take>
  void take_dead(const IsDead& is_dead, const Take& take) {
    for (auto lane = lanes_.begin(); lane != lanes_.end();) {
      auto& jobs = lane->jobs;
      for (auto job = jobs.begin(); job != jobs.end();) {
        if (!is_dead(*job)) {
          ++job;
          continue;
        }
        take(std::move(*job));
        job = jobs.erase(job);
        --size_;
      }
      lane = jobs.empty() ? lanes_.erase(lane) : std::next(lane);
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t owners() const { return lanes_.size(); }

 private:
  struct Lane {
    std::string owner;
    std::deque<Job> jobs;
  };
  std::list<Lane> lanes_;  ///< none is empty; the first is next in turn
  std::size_t size_ = 0;
};

}  // namespace banter::serve
