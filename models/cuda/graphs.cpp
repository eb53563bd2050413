// CUDA graphs of a decoding step.

#include <map>
#include <memory>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "models/cuda/module.h"

namespace {

/// Where this thread records on the current GPU. Always the same, for libraries keep a workspace a
/// stream.
c10::cuda::CUDAStream recording_stream() {
  thread_local std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  const auto device = c10::cuda::current_device();
  const auto known = streams.find(device);
  return known != streams.end()
             ? known->second
             : streams.emplace(device, c10::cuda::getStreamFromPool()).first->second;
}

/// Ends a recording of which nothing can come.
void abandon(at::cuda::CUDAGraph& graph) {
  try {
    graph.capture_end();
  } catch (const c10::Error&) {  // why is told by what stopped the recording
  }
}

}  // namespace

void* banter_cuda_record(const std::function<void()>& work) {
  c10::cuda::getCurrentCUDAStream().synchronize();
  const auto stream = recording_stream();
  const c10::cuda::CUDAStreamGuard guard(stream);
  work();  // libraries make their workspaces
  stream.synchronize();
  auto graph = std::make_unique<at::cuda::CUDAGraph>();
  // Other threads may go on as they like: one may just be locking memory for a batch.
  graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  try {
    work();
  } catch (c10::Error& error) {
    abandon(*graph);
    error.add_context("a decoding step cannot be recorded; unset BANTER_CUDA_GRAPHS");
    throw;
  } catch (...) {
    abandon(*graph);
    throw;
  }
  graph->capture_end();
  return graph.release();
}

void banter_cuda_repeat(void* graph) { static_cast<at::cuda::CUDAGraph*>(graph)->replay(); }

void banter_cuda_forget(void* graph) { delete static_cast<at::cuda::CUDAGraph*>(graph); }
