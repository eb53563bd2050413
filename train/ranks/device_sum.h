#pragma once

#include <array>
#include <cstddef>

namespace banter::train {

/// Adds up floats in the memory of GPUs over processes that have one each. Torch-free, so that the
/// module that implements it by NCCL needs nothing of the program.
class DeviceSum {
 public:
  virtual ~DeviceSum() = default;

  /// Element by element over all processes, with the same bytes everywhere; done when `stream`
  /// (cudaStream_t) gets there.
  /// Throws   std::runtime_error with the library's own sentence
  virtual void sum(float* values, std::size_t count, void* stream) = 0;
};

/// What process 0 makes and the processes find each other by; NCCL's ncclUniqueId.
using MeetingPoint = std::array<std::byte, 128>;

}  // namespace banter::train

/// What the program asks libbanter_cuda.so for, by name through dlsym; absent where it was built
/// without NCCL. Both return "" or why not, as NCCL says it; the text lives until the next call.
extern "C" {

const char* banter_nccl_meeting_point(banter::train::MeetingPoint* point);

/// Waits until `size` processes have come, each with a GPU `device` of its own. `sum` is for
/// `delete`.
const char* banter_nccl_join(const banter::train::MeetingPoint* point, int rank, int size,
                             int device, banter::train::DeviceSum** sum);
}
