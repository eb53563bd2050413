// libbanter_cuda.so: loaded by `open_device` when a GPU is asked for. Linking libtorch_cuda.so is
// what registers LibTorch's CUDA backend; the program itself never links it, so that it starts on
// machines without it. The device kernels of models/kernels are linked in.

#include "models/cuda/module.h"

#include <string>

#include <c10/cuda/CUDAFunctions.h>
#include <c10/util/Exception.h>
#include <cuda_runtime_api.h>

const char* banter_cuda_problem() {
  static std::string problem;
  try {
    c10::cuda::device_count_ensure_non_zero();
    problem.clear();
  } catch (const c10::Error& error) {
    problem = error.what_without_backtrace();
  }
  return problem.c_str();
}

int banter_cuda_has_bf16(int device) {
  constexpr int kFirstWithIt = 8;  // compute capability 8.0, Ampere
  int major = 0;
  return cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
                 major >= kFirstWithIt
             ? 1
             : 0;
}
