#include "train/ranks/gradient_sum.h"

#include <chrono>
#include <exception>
#include <span>

#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include "base/errors.h"
#include "train/ranks/agreement.h"

namespace banter::train {
namespace {

/// By MPI, in the host's memory.
class HostSum : public GradientSum {
 public:
  using GradientSum::GradientSum;
  [[nodiscard]] std::string by() const override { return "MPI"; }

 private:
  void add_up(torch::Tensor gradient) override {
    auto host = gradient.to(torch::kCPU);
    ranks_.sum(std::span(host.data_ptr<float>(), static_cast<std::size_t>(host.numel())));
    if (host.data_ptr() != gradient.data_ptr()) gradient.copy_(host);
  }
};

/// Where the gradients lie, on the stream that the learner uses.
class SumOnDevice : public GradientSum {
 public:
  SumOnDevice(Ranks& ranks, torch::Device device, std::unique_ptr<DeviceSum> sum)
      : GradientSum(ranks), device_(device), sum_(std::move(sum)) {}
  [[nodiscard]] std::string by() const override { return "NCCL"; }

 private:
  [[nodiscard]] c10::Stream stream() const {
    return c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  }
  void add_up(torch::Tensor gradient) override {
    sum_->sum(gradient.data_ptr<float>(), static_cast<std::size_t>(gradient.numel()),
              device_.is_cpu() ? nullptr : stream().native_handle());
  }
  void finish() override {
    if (!device_.is_cpu()) stream().synchronize();
  }

  torch::Device device_;
  std::unique_ptr<DeviceSum> sum_;
};

/// NCCL, as libbanter_cuda.so has it, which `open_device` has loaded.
class Nccl : public DeviceSums {
 public:
  void expect() override {
    if (meeting_point_ == nullptr || join_ == nullptr)
      throw base::Error("libbanter_cuda.so was built without nccl.h");
  }
  MeetingPoint meeting_point() override {
    MeetingPoint point{};
    throw_unless_empty(meeting_point_(&point));
    return point;
  }
  std::unique_ptr<DeviceSum> join(const MeetingPoint& point, const Ranks& ranks,
                                  torch::Device device) override {
    DeviceSum* sum = nullptr;
    throw_unless_empty(join_(&point, ranks.rank(), ranks.size(), device.index(), &sum));
    return std::unique_ptr<DeviceSum>(sum);
  }

 private:
  static void throw_unless_empty(const std::string& problem) {
    if (!problem.empty()) throw base::Error(problem);
  }

  decltype(&banter_nccl_meeting_point) meeting_point_ =
      reinterpret_cast<decltype(&banter_nccl_meeting_point)>(
          ::dlsym(RTLD_DEFAULT, "banter_nccl_meeting_point"));
  decltype(&banter_nccl_join) join_ =
      reinterpret_cast<decltype(&banter_nccl_join)>(::dlsym(RTLD_DEFAULT, "banter_nccl_join"));
};

/// What `part` throws at any process, at each of them; "" when all can.
template <typename Part>
std::string first_problem(Ranks& ranks, const Part& part) {
  std::string problem;
  try {
    part();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  return first_fault(ranks, problem);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

void GradientSum::sum(const torch::Tensor& gradient) {
  finish();  // the backward pass is no part of the sum
  const auto begin = std::chrono::steady_clock::now();
  ranks_.wait();
  const auto waited = seconds_since(begin);
  add_up(gradient);
  finish();
  auto& cost = ranks_.cost;
  cost.by = by();
  ++cost.sums;
  cost.bytes += gradient.nbytes();
  cost.waited += waited;
  cost.seconds += seconds_since(begin) - waited;
}

OpenedSum open_gradient_sum(Ranks& ranks, torch::Device device, DeviceSums& sums) {
  MeetingPoint point{};
  std::unique_ptr<DeviceSum> sum;
  auto problem = first_problem(ranks, [&] {
    sums.expect();
    if (ranks.rank() == 0) point = sums.meeting_point();
  });
  if (problem.empty()) {  // else those that can would wait for the others
    ranks.broadcast(point);
    problem = first_problem(ranks, [&] { sum = sums.join(point, ranks, device); });
  }
  if (problem.empty()) return {std::make_unique<SumOnDevice>(ranks, device, std::move(sum)), ""};
  return {std::make_unique<HostSum>(ranks),
          "NCCL cannot add gradients up, so they go through the host's memory, which is slower: " +
              problem};
}

OpenedSum open_gradient_sum(Ranks& ranks, torch::Device device) {
  if (ranks.size() == 1 || device.is_cpu()) return {std::make_unique<HostSum>(ranks), ""};
  Nccl nccl;
  return open_gradient_sum(ranks, device, nccl);
}

}  // namespace banter::train
