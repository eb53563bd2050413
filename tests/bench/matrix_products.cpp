#include "tests/bench/matrix_products.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <string_view>

#include <torch/autograd.h>
#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace banter::tests {

namespace {

constexpr std::string_view kOwnProduct = "banter::times_packed";

/// The profiler itself counts no operations of an addmm_.
double operations_of(const torch::autograd::profiler::KinetoEvent& event) {
  const auto shapes = event.shapes();
  if (event.name() == kOwnProduct)  // (N,K), (N,O)
    return 2.0 * static_cast<double>(shapes.at(0)[0] * shapes.at(0)[1] * shapes.at(1)[1]);
  const std::size_t first =
      event.name().starts_with("aten::addmm") ? 1 : 0;  // behind what is added to
  double operations = 2.0 * static_cast<double>(shapes.at(first + 1).back());
  for (const auto size : shapes.at(first)) operations *= static_cast<double>(size);
  return operations;
}

}  // namespace

MatrixProducts matrix_products_of(const std::function<void()>& work) {
  using namespace torch::profiler::impl;
  const ProfilerConfig config(ProfilerState::KINETO, /*report_input_shapes=*/true,
                              /*profile_memory=*/false, /*with_stack=*/false, /*with_flops=*/true);
  const std::set<ActivityType> activities = {ActivityType::CPU};
  torch::autograd::profiler::prepareProfiler(config, activities);
  torch::autograd::profiler::enableProfiler(config, activities);
  work();
  const auto result = torch::autograd::profiler::disableProfiler();

  constexpr std::array<std::string_view, 5> kNames = {"aten::mm", "aten::addmm", "aten::addmm_",
                                                      "aten::bmm", kOwnProduct};
  MatrixProducts products;
  for (const auto& event : result->events()) {
    if (std::ranges::find(kNames, event.name()) == kNames.end()) continue;
    products.seconds += 1e-9 * static_cast<double>(event.durationNs());
    products.operations += operations_of(event);
  }
  return products;
}

double peak_operations_per_second() {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t kSize = 2048;
  constexpr int kTries = 3;
  const torch::NoGradGuard no_grad;
  const auto a = torch::rand({kSize, kSize}), b = torch::rand({kSize, kSize});
  auto out = torch::empty({kSize, kSize});
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    const auto start = Clock::now();
    at::mm_out(out, a, b);
    const std::chrono::duration<double> took = Clock::now() - start;
    best = std::max(best, 2.0 * kSize * kSize * kSize / took.count());
  }
  return best;
}

}  // namespace banter::tests
