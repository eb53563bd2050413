// CUDA graphs of a decoding step.

#include <memory>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "models/cuda/module.h"

void* banter_cuda_record(const std::function<void()>& work) {
  c10::cuda::getCurrentCUDAStream().synchronize();
  const auto stream = c10::cuda::getStreamFromPool();
  const c10::cuda::CUDAStreamGuard guard(stream);
  work();  // libraries make their workspaces
  stream.synchronize();
  auto graph = std::make_unique<at::cuda::CUDAGraph>();
  graph->capture_begin();
  try {
    work();
  } catch (...) {
    try {
      graph->capture_end();
    } catch (const c10::Error&) {  // there is no graph; why is told below
    }
    throw;
  }
  graph->capture_end();
  return graph.release();
}

void banter_cuda_repeat(void* graph) { static_cast<at::cuda::CUDAGraph*>(graph)->replay(); }

void banter_cuda_forget(void* graph) { delete static_cast<at::cuda::CUDAGraph*>(graph); }
