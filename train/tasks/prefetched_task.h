#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "train/tasks/task.h"

namespace banter::train {

/// Another task, whose micro-batches are made ahead by a thread of its own while steps compute.
///
/// It gives the micro-batches of the task, and its place is that behind those it gave: what was
/// made ahead is in no state, and is made again where a run goes on.
/// Threads  `next`, `note_place` and `seek` by one; the task's own are the thread's, meanwhile
class PrefetchedTask : public Task {
 public:
  /// `ahead`: steps of micro-batches that wait at most, > 0.
  PrefetchedTask(std::unique_ptr<Task> task, std::size_t ahead);

  torch::nn::Module& model() override { return task_->model(); }
  [[nodiscard]] double loss_weight(std::string_view loss, std::int64_t updates) const override {
    return task_->loss_weight(loss, updates);
  }
  [[nodiscard]] std::int64_t active_from(const std::string& parameter) const override {
    return task_->active_from(parameter);
  }
  /// Throws   what the task's own throws
  std::vector<MicroBatch> next(Share share) override;
  void note_place(TrainState& state) const override;
  void seek(const TrainState& state) override;
  [[nodiscard]] std::uint64_t windows() const override { return task_->windows(); }
  [[nodiscard]] std::string data_hash() const override { return task_->data_hash(); }
  [[nodiscard]] Amounts learned_from() const override { return task_->learned_from(); }
  [[nodiscard]] bool is_judged() const override { return task_->is_judged(); }
  [[nodiscard]] std::optional<Judgement> judge(Ranks& ranks) override {
    return task_->judge(ranks);
  }

 private:
  struct Place {
    data::MixPosition position;
    std::optional<data::Position> pairs;
  };
  struct Made {
    std::vector<MicroBatch> batches;
    Place behind;                        ///< them
    std::exception_ptr error = nullptr;  ///< in their stead
  };
  [[nodiscard]] Place task_place() const;
  [[nodiscard]] Made make(Share share) const;
  void make_ahead(const std::stop_token& stop, Share share);
  void stop();

  std::unique_ptr<Task> task_;
  const std::size_t ahead_;
  Place place_;  ///< behind what was given

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Made> made_;  ///< under the mutex
  std::jthread thread_;    ///< last: it ends before what it uses
};

}  // namespace banter::train
