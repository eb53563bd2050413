#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <torch/types.h>

#include "models/dialogue_model.h"

namespace banter::models {

/// Records what a function puts on the current device, so that it is done again without being said
/// again.
class StepRecorder {
 public:
  virtual ~StepRecorder() = default;
  /// Calls `work`, twice where it must warm up; what is given back keeps the recording.
  virtual std::shared_ptr<void> record(const std::function<void()>& work) = 0;
  /// Does it again, on the same memory.
  virtual void repeat(void* recording) = 0;
};

/// CUDA graphs, where the environment's BANTER_CUDA_GRAPHS is 1 and the device is a GPU; else null.
/// Throws   base::Error when libbanter_cuda.so has none
StepRecorder* cuda_graphs(torch::Device device);

/// The steps of a decoding loop, recorded by their shapes: one that comes a second time is
/// recorded, from then on repeated on copies of what it reads. What a step gives is the same.
///
/// Steps run as they are where the model's are not fixed (`has_fixed_step`: Transformers' are not)
/// and where shapes changed, since rows joined or ended. The recordings of the last few shapes are
/// kept.
/// Threads  the model's
class RepeatedSteps {
 public:
  /// `model` must outlive it; `recorder` too, null = none is recorded.
  RepeatedSteps(DialogueModel& model, StepRecorder* recorder);
  ~RepeatedSteps();

  /// `DialogueModel::step`. A memory is not written in place as long as it is given again.
  StepOutput step(const torch::Tensor& ids, const Memory& memory, State state);

  [[nodiscard]] std::int64_t recorded() const { return recorded_; }  ///< so far
  [[nodiscard]] std::int64_t repeated() const { return repeated_; }  ///< so far

 private:
  using Shape = std::vector<std::int64_t>;
  struct Recording;
  std::shared_ptr<Recording> record(Shape shape, const torch::Tensor& ids, const Memory& memory,
                                    const State& state);

  DialogueModel& model_;
  StepRecorder* recorder_;
  std::vector<Shape> seen_;                             ///< shapes that came once, newest last
  std::vector<std::shared_ptr<Recording>> recordings_;  ///< newest last
  std::int64_t recorded_ = 0, repeated_ = 0;
};

}  // namespace banter::models
