// Models on a GPU, by what they are on the CPU. Skipped, with the reason, where there is no GPU.

#include "models/device.h"

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include "models/cuda/door.h"
#include "models/cuda/module.h"
#include "models/decoding/repeated_steps.h"
#include "models/precision.h"
#include "tests/decoding/mixed_requests.h"

namespace banter::models {
namespace {

constexpr double kSame = 1e-4;    ///< of a length: float32, the same sums in another order
constexpr double kNarrow = 0.05;  ///< of a direction's cosine: bfloat16 has 8 bits

class DeviceTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const auto status = cuda_status(); status != "usable") GTEST_SKIP() << status;
    device_ = open_device("cuda:0");
    model_ = small_model(GetParam());
    on_device_ = small_model(GetParam());
    on_device_->to(device_);
  }

  static bool is_ensemble() {
    return std::string_view(GetParam()).find(" + ") != std::string::npos;
  }

  /// The losses, then the gradient of each parameter, on the CPU.
  static std::vector<torch::Tensor> learned(DialogueModel& model, const data::Batch& batch,
                                            bool narrow = false) {
    const auto device = model.parameters().front().device();
    std::optional<Bf16Products> products;
    if (narrow) products.emplace(device);
    std::vector<torch::Tensor> all;
    for (const auto& loss : model.losses(batch.to(device)))
      all.push_back(loss.sum / static_cast<double>(loss.count));
    products.reset();
    auto total = all[0];
    for (std::size_t i = 1; i < all.size(); ++i) total = total + all[i];
    for (const auto& gradient : torch::autograd::grad({total}, model.parameters(), {}, {}, false,
                                                      /*allow_unused=*/true))
      all.push_back(gradient);
    for (auto& one : all)
      if (one.defined()) one = one.detach().cpu();
    return all;
  }

  /// Lengths of the differences by those of all gradients together: where a gradient is nothing but
  /// rounding (the bias of a key), it has no length of its own.
  static void expect_near(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b,
                          double tolerance) {
    ASSERT_EQ(a.size(), b.size());
    double whole = 0;
    for (const auto& one : b)
      if (one.defined()) whole += one.square().sum().item<double>();
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].defined(), b[i].defined()) << i;
      if (!a[i].defined()) continue;
      EXPECT_TRUE(a[i].isfinite().all().item<bool>()) << i;
      EXPECT_LT((a[i] - b[i]).norm().item<double>(), tolerance * std::sqrt(whole)) << i;
    }
  }

  torch::Device device_ = torch::kCPU;
  ModelPtr model_, on_device_;
};

TEST_P(DeviceTest, LearnsAsOnTheCpu) {
  const auto batch = tiny_batch(tiny_contexts({3, 1, 5, 2, 8}, 7, /*facts=*/2));
  if (is_ensemble()) GTEST_SKIP() << "an ensemble does not learn";
  expect_near(learned(*on_device_, batch), learned(*model_, batch), kSame);
}

TEST_P(DeviceTest, LearnsTheSameBytesTwice) {
  const auto batch = tiny_batch(tiny_contexts({3, 1, 5, 2, 8}, 7, /*facts=*/2));
  if (is_ensemble()) GTEST_SKIP() << "an ensemble does not learn";
  const auto first = learned(*on_device_, batch), second = learned(*on_device_, batch);
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!first[i].defined()) continue;
    EXPECT_TRUE(torch::equal(first[i], second[i])) << i;
  }
}

TEST_P(DeviceTest, LearnsInBfloat16AsInFloat32) {
  const auto batch = tiny_batch(tiny_contexts({3, 1, 5, 2, 8}, 7, /*facts=*/2));
  if (is_ensemble()) GTEST_SKIP() << "an ensemble does not learn";
  if (!bf16_problem(device_).empty()) GTEST_SKIP() << bf16_problem(device_);
  on_device_ = model_of(GetParam());  // as it starts: far from there rounding says where it goes
  on_device_->to(device_, torch::kFloat);
  const auto exact = learned(*on_device_, batch), near = learned(*on_device_, batch, true);
  EXPECT_FALSE(torch::equal(exact[0], near[0])) << "nothing was made of bfloat16 numbers";
  double dot = 0, squares = 0, exact_squares = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    if (!exact[i].defined()) continue;
    EXPECT_EQ(near[i].scalar_type(), torch::kFloat) << i;
    dot += (near[i] * exact[i]).sum().item<double>();
    squares += near[i].square().sum().item<double>();
    exact_squares += exact[i].square().sum().item<double>();
  }
  EXPECT_GT(dot / std::sqrt(squares * exact_squares), 1 - kNarrow);
}

TEST_P(DeviceTest, ScoresAsOnTheCpu) {
  const torch::NoGradGuard no_grad;
  const auto batch = tiny_batch(tiny_contexts({3, 1, 5, 2, 8}, 7, /*facts=*/2));
  const auto score = model_->score(batch, /*with_attention=*/true);
  const auto there = on_device_->score(batch.to(device_), /*with_attention=*/true);
  EXPECT_TRUE(torch::allclose(there.log_probs.cpu(), score.log_probs, kSame, kSame));
  ASSERT_EQ(there.attention.size(), score.attention.size());
  for (std::size_t i = 0; i < score.attention.size(); ++i)
    EXPECT_TRUE(
        torch::allclose(there.attention[i].weights.cpu(), score.attention[i].weights, kSame, kSame))
        << score.attention[i].name;
}

TEST_P(DeviceTest, DecodesAsOnTheCpu) {
  const auto asked = mixed_requests(24);
  const auto there = decode_all(*on_device_, asked, 5);
  for (const auto& [number, replies] : decode_all(*model_, asked, 5)) {
    const auto& others = there.at(number).best;
    ASSERT_EQ(others.size(), replies.best.size());
    for (std::size_t i = 0; i < others.size(); ++i) models::expect_near(others[i], replies.best[i]);
  }
}

/// CUDA graphs, counted.
class CountingGraphs : public StepRecorder {
 public:
  std::shared_ptr<void> record(const std::function<void()>& work) override {
    return {record_(work), cuda_function<decltype(banter_cuda_forget)>("banter_cuda_forget")};
  }
  void repeat(void* recording) override {
    repeat_(recording);
    ++repeated;
  }
  int repeated = 0;

 private:
  decltype(banter_cuda_record)* record_ =
      cuda_function<decltype(banter_cuda_record)>("banter_cuda_record");
  decltype(banter_cuda_repeat)* repeat_ =
      cuda_function<decltype(banter_cuda_repeat)>("banter_cuda_repeat");
};

TEST_P(DeviceTest, GraphsGiveTheSameReplies) {
  auto asked = mixed_requests(24);
  for (auto& request : asked) request.options.with_token_attention = true;
  CountingGraphs graphs;
  const auto plain = decode_all(*on_device_, asked, 5),
             repeated = decode_all(*on_device_, asked, 5, &graphs);
  EXPECT_EQ(graphs.repeated > 0, on_device_->has_fixed_step());
  for (const auto& [number, replies] : plain) {
    const auto& others = repeated.at(number).best;
    ASSERT_EQ(replies.best.size(), others.size());
    for (std::size_t i = 0; i < others.size(); ++i) models::expect_near(others[i], replies.best[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, DeviceTest, small_models(),
                         [](const auto& which) { return "Model" + std::to_string(which.index); });

}  // namespace
}  // namespace banter::models
