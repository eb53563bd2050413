// Steps that a CUDA graph may repeat: a graph waits for nothing, and brings nothing.

#include <memory>
#include <set>
#include <string>

#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include "tests/models/model_test.h"
#include "tests/models/tiny_sizes.h"

namespace banter::models {
namespace {

/// Counts, while it lives and on its thread, the operations for which a GPU would be waited for.
class Waits {
 public:
  Waits() : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(&seen))) { count() = 0; }
  ~Waits() { at::removeCallback(handle_); }
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;

  static int& count() {
    thread_local int waits = 0;
    return waits;
  }

 private:
  static std::unique_ptr<at::ObserverContext> seen(const at::RecordFunction& operation) {
    static const std::set<std::string> kWaiting = {"aten::_local_scalar_dense", "aten::equal",
                                                   "aten::masked_select", "aten::nonzero"};
    if (kWaiting.contains(operation.name())) ++count();
    return nullptr;
  }

  at::CallbackHandle handle_;
};

class FixedStepTest : public testing::TestWithParam<const char*> {};

TEST_P(FixedStepTest, WaitsForNothing) {
  const std::string yaml = GetParam() + std::string("\n");
  const auto model = tiny_model(yaml + sizes_of(yaml));
  const c10::InferenceMode guard;
  const auto memory = memory_of(*model, tiny_batch(tiny_contexts({1, 4, 2}, 3, /*facts=*/1)));
  auto state = start_of(*model, memory, torch::arange(3));
  const auto ids = torch::full({3}, model->vocabulary().special.bos, torch::kLong);
  state = model->step(ids, memory, std::move(state)).state;  // tables and packed matrices are made
  const Waits waits;
  model->step(ids, memory, std::move(state));
  EXPECT_EQ(Waits::count() == 0, model->has_fixed_step()) << Waits::count() << " times";
}

INSTANTIATE_TEST_SUITE_P(
    Models, FixedStepTest,
    testing::Values("type: hran", "type: hred", "type: hred\nattention: none",
                    "type: hred\nlayers: 2\nattention: static\nword_attention: true",
                    "type: hred\ncombine: mean\nturn_positions: sinusoidal",
                    "type: hred\ncombine: weighted\ngate: state",
                    "type: hred\nword_attention: true", "type: vhred\nlatent_dim: 5",
                    "type: vhred\nlatent_dim: 5\nlatent: sample", "type: wseq\ntied: true",
                    "type: seq2seq\nlayers: 2", "type: recosa", "type: transformer",
                    "type: stack_propagation\nconsistency_layers: 1"),
    [](const auto& which) { return "Model" + std::to_string(which.index); });

}  // namespace
}  // namespace banter::models
