// The device kernels, each put into the stream that LibTorch's operations of the calling thread
// use.

#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include "models/cuda/module.h"
#include "models/kernels/device_kernels.h"

namespace banter::models {
namespace {

cudaStream_t stream() { return c10::cuda::getCurrentCUDAStream().stream(); }

int gru_forward(std::int64_t n, std::int64_t H, const float* gi, const float* gh, const float* h,
                float* next, float* saved) {
  return launch_gru_forward(n, H, gi, gh, h, next, saved, stream());
}

int gru_backward(std::int64_t n, std::int64_t H, const float* d_next, const float* saved,
                 const float* h, float* d_gi, float* d_gh, float* d_h) {
  return launch_gru_backward(n, H, d_next, saved, h, d_gi, d_gh, d_h, stream());
}

int attention_forward(const TurnAttention<float>& in, float* weights, float* out) {
  return launch_turn_attention_forward(in, weights, out, stream());
}

int attention_backward(const TurnAttention<float>& in, const RowPlaces& rows, const float* weights,
                       const float* d_out, const float* d_weights,
                       const TurnAttentionGradients<float>& d, float* scratch) {
  return launch_turn_attention_backward(in, rows, weights, d_out, d_weights, d, scratch, stream());
}

int places_of_rows(std::int64_t N, std::int64_t U, std::int64_t R, const std::int64_t* index,
                   std::int32_t* starts, std::int32_t* places, void* scratch) {
  return launch_row_places(N, U, R, index, starts, places, scratch, stream());
}

std::int64_t attention_scratch(std::int64_t N, std::int64_t U, std::int64_t K) {
  return turn_attention_scratch(N, U, K);
}

const char* problem(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

}  // namespace
}  // namespace banter::models

const banter::models::RecurrentKernels* banter_cuda_kernels() {
  using namespace banter::models;
  static constexpr RecurrentKernels kTable = {.gru_forward = gru_forward,
                                              .gru_backward = gru_backward,
                                              .turn_attention_forward = attention_forward,
                                              .turn_attention_backward = attention_backward,
                                              .turn_attention_scratch = attention_scratch,
                                              .row_places = places_of_rows,
                                              .row_places_scratch = row_places_scratch,
                                              .problem = problem};
  return &kTable;
}
