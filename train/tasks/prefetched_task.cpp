#include "train/tasks/prefetched_task.h"

#include <utility>

#include <ATen/Parallel.h>

extern "C" void omp_set_num_threads(int);  // of the one OpenMP that LibTorch loads, too

namespace banter::train {

PrefetchedTask::PrefetchedTask(std::unique_ptr<Task> task, std::size_t ahead)
    : task_(std::move(task)), ahead_(ahead), place_(task_place()) {}

PrefetchedTask::Place PrefetchedTask::task_place() const {
  TrainState state;
  task_->note_place(state);
  return {std::move(state.position), state.pairs};
}

PrefetchedTask::Made PrefetchedTask::make(Share share) const {
  try {
    auto batches = task_->next(share);
    return {.batches = std::move(batches), .behind = task_place()};
  } catch (...) {
    return {.batches = {}, .behind = {}, .error = std::current_exception()};
  }
}

void PrefetchedTask::make_ahead(const std::stop_token& stop, Share share) {
  at::init_num_threads();  // would give it a team of threads later
  omp_set_num_threads(1);
  while (!stop.stop_requested()) {
    auto one = make(share);
    const bool failed = one.error != nullptr;
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return made_.size() < ahead_; })) return;
    made_.push_back(std::move(one));
    changed_.notify_all();
    if (failed) return;
  }
}

std::vector<MicroBatch> PrefetchedTask::next(Share share) {
  if (!thread_.joinable())
    thread_ = std::jthread(
        [this, share](const std::stop_token& stop_token) { make_ahead(stop_token, share); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !made_.empty(); });
  auto one = std::move(made_.front());
  made_.pop_front();
  lock.unlock();
  changed_.notify_all();
  if (one.error != nullptr) {
    stop();
    std::rethrow_exception(one.error);
  }
  place_ = std::move(one.behind);
  return std::move(one.batches);
}

void PrefetchedTask::stop() {
  thread_ = {};  // asks it to stop and waits for it
  made_.clear();
}

void PrefetchedTask::note_place(TrainState& state) const {
  state.position = place_.position;
  if (place_.pairs) state.pairs = place_.pairs;
}

void PrefetchedTask::seek(const TrainState& state) {
  stop();
  task_->seek(state);
  place_ = task_place();
}

}  // namespace banter::train
