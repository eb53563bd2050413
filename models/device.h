#pragma once

#include <string>
#include <string_view>

#include <torch/types.h>

namespace banter::models {

/// The device that `--device` names: "cpu", "cuda", "cuda:1", or "auto" (a GPU when one works,
/// else the CPU). Loads libbanter_cuda.so before the first CUDA call. Once it has opened a GPU
/// LibTorch takes only operations that give the same bytes every time, for the whole process, in
/// place of faster ones, and throws where there are no others.
/// Throws   ConfigError for another name; base::Error with the loader's own sentence when CUDA was
///          asked for and cannot be had, and what to do
torch::Device open_device(std::string_view name);

/// Sets LibTorch's threads: `threads` of computing (0 = as many as OMP_NUM_THREADS says, else all
/// cores), one of inter-op; flushes denormals; tells malloc to keep large blocks. Once, before any
/// work.
void set_threads(int threads);

/// Frees what MKL keeps for the calling thread, for one that is about to end: else it stays.
void free_thread_buffers();

/// Whether libbanter_cuda.so stands beside the program, and why it cannot be used, if so.
std::string cuda_status();

}  // namespace banter::models
