// Models on a GPU, by what they are on the CPU. Skipped, with the reason, where there is no GPU.

#include "models/device.h"

#include <algorithm>
#include <cmath>
#include <limits>
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

// How far from float64 a GPU may be: a little, for float32's sums in another order; or a few times
// as far as the CPU in float32, for some small models make much of little.
constexpr double kSame = 1e-4;
constexpr double kTimes = 8;
constexpr double kMost = 0.05;    ///< that the CPU in float32 may be away; tokens differ by 1
constexpr double kNarrow = 0.05;  ///< of a direction's cosine: bfloat16 has 8 bits

class DeviceTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const auto status = cuda_status(); status != "usable") GTEST_SKIP() << status;
    device_ = open_device("cuda:0");
    model_ = small_model(GetParam());
    exact_ = small_model(GetParam());
    exact_->to(torch::kDouble);
    on_device_ = small_model(GetParam());
    on_device_->to(device_);
  }

  static bool is_ensemble() {
    return std::string_view(GetParam()).find(" + ") != std::string::npos;
  }

  static data::Batch batch() { return tiny_batch(tiny_contexts({3, 1, 5, 2, 8}, 7, /*facts=*/2)); }

  /// The losses, then the gradient of each parameter, on the CPU.
  static std::vector<torch::Tensor> learned(DialogueModel& model, bool narrow = false) {
    const auto device = model.parameters().front().device();
    std::optional<Bf16Products> products;
    if (narrow) products.emplace(device);
    std::vector<torch::Tensor> all;
    for (const auto& loss : model.losses(batch().to(device)))
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

  /// What it thinks of given replies, and where it looks, on the CPU.
  static std::vector<torch::Tensor> scored(DialogueModel& model) {
    const torch::NoGradGuard no_grad;
    const auto score =
        model.score(batch().to(model.parameters().front().device()), /*with_attention=*/true);
    std::vector all = {score.log_probs.cpu()};
    for (const auto& attention : score.attention) all.push_back(attention.weights.cpu());
    return all;
  }

  /// Of the best replies: their tokens, then the logarithms of their probabilities, and where the
  /// model looked.
  static std::vector<torch::Tensor> replied(DialogueModel& model, StepRecorder* recorder = nullptr,
                                            bool with_token_attention = false) {
    auto asked = mixed_requests(24);
    for (auto& request : asked) request.options.with_token_attention = with_token_attention;
    std::vector<torch::Tensor> all;
    for (const auto& [number, replies] : decode_all(model, asked, 5, recorder)) {
      for (const auto& reply : replies.best) {
        all.push_back(torch::tensor(reply.ids).to(torch::kDouble));
        all.push_back(torch::tensor(reply.log_probs).to(torch::kDouble));
        for (const auto& attention : reply.attention)
          for (const auto& weights : attention.weights)
            all.push_back(torch::tensor(weights).to(torch::kDouble));
      }
    }
    return all;
  }

  static double length(const std::vector<torch::Tensor>& all) {
    double squares = 0;
    for (const auto& one : all)
      if (one.defined()) squares += one.square().sum().item<double>();
    return std::sqrt(squares);
  }

  /// The longest difference of two tensors in the same place; infinite where shapes differ.
  static double distance(const std::vector<torch::Tensor>& all,
                         const std::vector<torch::Tensor>& others) {
    constexpr auto kInfinite = std::numeric_limits<double>::infinity();
    if (all.size() != others.size()) return kInfinite;
    double longest = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto &one = all[i], &other = others[i];
      if (!one.defined() && !other.defined()) continue;
      if (!one.defined() || !other.defined() || one.sizes() != other.sizes()) return kInfinite;
      const auto difference = length({one - other});
      if (!std::isfinite(difference)) return kInfinite;
      longest = std::max(longest, difference);
    }
    return longest;
  }

  static void expect_near(const std::vector<torch::Tensor>& there,
                          const std::vector<torch::Tensor>& here,
                          const std::vector<torch::Tensor>& exact, double unit = 1) {
    const auto rounding = distance(here, exact);
    ASSERT_LT(rounding, kMost * unit) << "the CPU itself says nothing";
    EXPECT_LT(distance(there, exact), std::max(kSame * unit, kTimes * rounding));
  }

  torch::Device device_ = torch::kCPU;
  ModelPtr model_, exact_, on_device_;  ///< in float32, in float64, in float32
};

TEST_P(DeviceTest, LearnsAsOnTheCpu) {
  if (is_ensemble()) GTEST_SKIP() << "an ensemble does not learn";
  // The unit is the length of all gradients together: one that is nothing but rounding (of the bias
  // of a key) has none of its own.
  const auto exact = learned(*exact_);
  expect_near(learned(*on_device_), learned(*model_), exact, length(exact));
}

TEST_P(DeviceTest, LearnsTheSameBytesEachTime) {
  if (is_ensemble()) GTEST_SKIP() << "an ensemble does not learn";
  const auto first = learned(*on_device_);
  for (int again = 0; again < 5; ++again) {
    const auto second = learned(*on_device_);
    for (std::size_t i = 0; i < first.size(); ++i) {
      ASSERT_EQ(first[i].defined(), second[i].defined()) << i;
      EXPECT_TRUE(!first[i].defined() || torch::equal(first[i], second[i])) << i;
    }
  }
}

TEST_P(DeviceTest, LearnsInBfloat16AsInFloat32) {
  if (is_ensemble()) GTEST_SKIP() << "an ensemble does not learn";
  if (!bf16_problem(device_).empty()) GTEST_SKIP() << bf16_problem(device_);
  on_device_ = model_of(GetParam());  // as it starts: far from there rounding says where it goes
  on_device_->to(device_, torch::kFloat);
  const auto exact = learned(*on_device_), near = learned(*on_device_, /*narrow=*/true);
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
  expect_near(scored(*on_device_), scored(*model_), scored(*exact_));
}

TEST_P(DeviceTest, DecodesAsOnTheCpu) {
  expect_near(replied(*on_device_), replied(*model_), replied(*exact_));
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
  CountingGraphs graphs;
  const auto plain = replied(*on_device_, nullptr, /*with_token_attention=*/true),
             repeated = replied(*on_device_, &graphs, /*with_token_attention=*/true);
  EXPECT_EQ(graphs.repeated > 0, on_device_->has_fixed_step());
  EXPECT_LT(distance(repeated, plain), kSame);
}

INSTANTIATE_TEST_SUITE_P(Registry, DeviceTest, small_models(),
                         [](const auto& which) { return "Model" + std::to_string(which.index); });

}  // namespace
}  // namespace banter::models
