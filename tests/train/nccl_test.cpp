// NCCL itself, of one process: where there is no GPU, that it says so.
#include <memory>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include "train/ranks/device_sum.h"

namespace banter::train {
namespace {

bool has_gpu() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

TEST(NcclTest, WithoutAGpuSaysWhyItCannotJoin) {
  if (has_gpu()) GTEST_SKIP() << "there is a GPU";
  MeetingPoint point{};
  DeviceSum* sum = nullptr;
  const std::string problem = banter_nccl_join(&point, 0, 1, 0, &sum);
  EXPECT_NE(problem, "");
  EXPECT_EQ(sum, nullptr);
}

TEST(NcclTest, AloneASumIsWhatItIs) {
  if (!has_gpu()) GTEST_SKIP() << "no GPU";
  MeetingPoint point{};
  ASSERT_STREQ(banter_nccl_meeting_point(&point), "");
  DeviceSum* opened = nullptr;
  ASSERT_STREQ(banter_nccl_join(&point, 0, 1, 0, &opened), "");
  const std::unique_ptr<DeviceSum> sum(opened);

  const std::vector<float> values = {1, -2, 0.5F};
  const auto bytes = values.size() * sizeof(float);
  void* there = nullptr;
  ASSERT_EQ(cudaMalloc(&there, bytes), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(there, values.data(), bytes, cudaMemcpyHostToDevice), cudaSuccess);
  sum->sum(static_cast<float*>(there), values.size(), nullptr);
  std::vector<float> back(values.size());
  ASSERT_EQ(cudaMemcpy(back.data(), there, bytes, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(back, values);
  cudaFree(there);
}

}  // namespace
}  // namespace banter::train
