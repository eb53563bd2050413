// Sums over GPUs by NCCL, a part of libbanter_cuda.so.
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include "train/ranks/device_sum.h"

namespace banter::train {
namespace {

static_assert(sizeof(MeetingPoint) == sizeof(ncclUniqueId));

/// Why a call failed, "" when it did not.
std::string problem_of(ncclResult_t result, ncclComm_t comm = nullptr) {
  if (result == ncclSuccess) return "";
  const char* last = ncclGetLastError(comm);
  const std::string more = last == nullptr ? "" : last;
  return std::string("NCCL: ") + ncclGetErrorString(result) + (more.empty() ? "" : ": " + more);
}

class NcclSum : public DeviceSum {
 public:
  explicit NcclSum(ncclComm_t comm) : comm_(comm) {}
  ~NcclSum() override { ncclCommDestroy(comm_); }
  NcclSum(const NcclSum&) = delete;
  NcclSum& operator=(const NcclSum&) = delete;

  void sum(float* values, std::size_t count, void* stream) override {
    const auto problem = problem_of(ncclAllReduce(values, values, count, ncclFloat32, ncclSum,
                                                  comm_, static_cast<cudaStream_t>(stream)),
                                    comm_);
    if (!problem.empty()) throw std::runtime_error(problem);
  }

 private:
  ncclComm_t comm_;
};

std::string meeting_point(MeetingPoint& point) {
  // Sums made inside a switch (NVLS) come in any order, and differ from call to call.
  ::setenv("NCCL_NVLS_ENABLE", "0", /*overwrite=*/0);
  ncclUniqueId id;
  const auto result = ncclGetUniqueId(&id);
  if (result == ncclSuccess) std::memcpy(point.data(), &id, sizeof id);
  return problem_of(result);
}

std::string join(const MeetingPoint& point, int rank, int size, int device, DeviceSum*& sum) {
  ::setenv("NCCL_NVLS_ENABLE", "0", /*overwrite=*/0);
  if (const auto result = cudaSetDevice(device); result != cudaSuccess)
    return std::string("CUDA: ") + cudaGetErrorString(result);
  ncclUniqueId id;
  std::memcpy(&id, point.data(), sizeof id);
  ncclComm_t comm = nullptr;
  const auto result = ncclCommInitRank(&comm, size, id, rank);
  if (result == ncclSuccess) sum = new NcclSum(comm);
  return problem_of(result);
}

const char* kept(std::string problem) {
  static std::string last;
  last = std::move(problem);
  return last.c_str();
}

}  // namespace
}  // namespace banter::train

const char* banter_nccl_meeting_point(banter::train::MeetingPoint* point) {
  return banter::train::kept(banter::train::meeting_point(*point));
}

const char* banter_nccl_join(const banter::train::MeetingPoint* point, int rank, int size,
                             int device, banter::train::DeviceSum** sum) {
  return banter::train::kept(banter::train::join(*point, rank, size, device, *sum));
}
