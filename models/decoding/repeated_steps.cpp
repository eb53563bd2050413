#include "models/decoding/repeated_steps.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <c10/core/DeviceGuard.h>

#include "base/errors.h"
#include "models/cuda/door.h"
#include "models/cuda/module.h"

namespace banter::models {
namespace {

constexpr std::size_t kMostShapes = 64;     // that are remembered
constexpr std::size_t kMostRecordings = 8;  // each keeps a step's memory

class CudaGraphs : public StepRecorder {
 public:
  std::shared_ptr<void> record(const std::function<void()>& work) override {
    return {record_(work), forget_};
  }
  void repeat(void* recording) override { repeat_(recording); }
  [[nodiscard]] bool is_there() const {
    return record_ != nullptr && repeat_ != nullptr && forget_ != nullptr;
  }

 private:
  decltype(banter_cuda_record)* record_ =
      cuda_function<decltype(banter_cuda_record)>("banter_cuda_record");
  decltype(banter_cuda_repeat)* repeat_ =
      cuda_function<decltype(banter_cuda_repeat)>("banter_cuda_repeat");
  decltype(banter_cuda_forget)* forget_ =
      cuda_function<decltype(banter_cuda_forget)>("banter_cuda_forget");
};

void add_shape(std::vector<std::int64_t>& shape, const torch::Tensor& tensor) {
  shape.push_back(static_cast<std::int64_t>(tensor.scalar_type()));
  shape.push_back(tensor.dim());
  shape.insert(shape.end(), tensor.sizes().begin(), tensor.sizes().end());
}

std::vector<torch::Tensor> copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> all;
  all.reserve(tensors.size());
  for (const auto& tensor : tensors) all.push_back(tensor.clone());
  return all;
}

void fill(const std::vector<torch::Tensor>& to, const std::vector<torch::Tensor>& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
}

bool are_the_same(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  return std::ranges::equal(
      a, b, [](const torch::Tensor& x, const torch::Tensor& y) { return x.is_same(y); });
}

StepOutput copy_of(const StepOutput& output) {
  auto copy = output;
  copy.logits = output.logits.clone();
  for (auto& one : copy.attention) one.weights = one.weights.clone();
  copy.state.memory_row = output.state.memory_row.clone();
  copy.state.rows.parts = copies(output.state.rows.parts);
  return copy;
}

}  // namespace

StepRecorder* cuda_graphs(torch::Device device) {
  const char* wanted = std::getenv("BANTER_CUDA_GRAPHS");
  if (!device.is_cuda() || wanted == nullptr || std::string_view(wanted) != "1") return nullptr;
  static CudaGraphs graphs;
  if (!graphs.is_there())
    throw base::Error("BANTER_CUDA_GRAPHS=1: libbanter_cuda.so is of another version: build anew");
  return &graphs;
}

/// What a recorded step reads and writes. `given` is what `memory` was copied from: held, so that
/// another tensor cannot be taken for it.
struct RepeatedSteps::Recording {
  Shape shape;
  torch::Tensor ids;
  Memory memory, given;
  State state;
  StepOutput output;
  std::shared_ptr<void> made;  ///< last: it goes before what it works on
};

RepeatedSteps::RepeatedSteps(DialogueModel& model, StepRecorder* recorder)
    : model_(model), recorder_(model.has_fixed_step() ? recorder : nullptr) {}
RepeatedSteps::~RepeatedSteps() = default;

std::shared_ptr<RepeatedSteps::Recording> RepeatedSteps::record(Shape shape,
                                                                const torch::Tensor& ids,
                                                                const Memory& memory,
                                                                const State& state) {
  auto recording = std::make_shared<Recording>();
  auto& r = *recording;
  r.shape = std::move(shape);
  r.ids = ids.clone();
  r.memory.parts = copies(memory.parts);
  r.given = memory;
  r.state = {state.memory_row.clone(), {copies(state.rows.parts)}};
  const c10::DeviceGuard guard(ids.device());
  r.made = recorder_->record([this, &r] { r.output = model_.step(r.ids, r.memory, r.state); });
  ++recorded_;
  if (recordings_.size() == kMostRecordings) recordings_.erase(recordings_.begin());
  recordings_.push_back(recording);
  return recording;
}

StepOutput RepeatedSteps::step(const torch::Tensor& ids, const Memory& memory, State state) {
  if (recorder_ == nullptr) return model_.step(ids, memory, std::move(state));
  Shape shape;
  add_shape(shape, ids);
  for (const auto& part : memory.parts) add_shape(shape, part);
  for (const auto& part : state.rows.parts) add_shape(shape, part);
  const auto known = std::ranges::find_if(
      recordings_, [&](const auto& recording) { return recording->shape == shape; });
  if (known == recordings_.end() && std::ranges::find(seen_, shape) == seen_.end()) {
    if (seen_.size() == kMostShapes) seen_.erase(seen_.begin());
    seen_.push_back(std::move(shape));
    return model_.step(ids, memory, std::move(state));
  }
  const auto recording =
      known != recordings_.end() ? *known : record(std::move(shape), ids, memory, state);
  auto& r = *recording;
  r.ids.copy_(ids);
  if (!are_the_same(r.given.parts, memory.parts)) {
    fill(r.memory.parts, memory.parts);
    r.given = memory;
  }
  r.state.memory_row.copy_(state.memory_row);
  fill(r.state.rows.parts, state.rows.parts);
  recorder_->repeat(r.made.get());
  ++repeated_;
  return copy_of(r.output);
}

}  // namespace banter::models
