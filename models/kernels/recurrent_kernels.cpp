#include "models/kernels/recurrent_kernels.h"

#include "models/kernels/kernels.h"

namespace banter::models {
namespace {

int gru_step(std::int64_t n, std::int64_t H, const float* gi, const float* gh, const float* h,
             float* next, float* saved) {
  kernels<float>().gru_forward(n, H, gi, gh, h, next, saved);
  return 0;
}

int gru_step_back(std::int64_t n, std::int64_t H, const float* d_next, const float* saved,
                  const float* h, float* d_gi, float* d_gh, float* d_h) {
  kernels<float>().gru_backward(n, H, d_next, saved, h, d_gi, d_gh, d_h);
  return 0;
}

int attention(const TurnAttention<float>& in, float* weights, float* out) {
  turn_attention_forward(in, weights, out);
  return 0;
}

int attention_back(const TurnAttention<float>& in, const RowPlaces& /*rows*/, const float* weights,
                   const float* d_out, const float* d_weights,
                   const TurnAttentionGradients<float>& d, float* /*scratch*/) {
  turn_attention_backward(in, weights, d_out, d_weights, d);
  return 0;
}

int places_of_rows(std::int64_t N, std::int64_t U, std::int64_t R, const std::int64_t* index,
                   std::int32_t* starts, std::int32_t* places, void* /*scratch*/) {
  row_places(N, U, R, index, starts, places);
  return 0;
}

std::int64_t no_floats(std::int64_t /*N*/, std::int64_t /*U*/, std::int64_t /*K*/) { return 0; }
std::size_t no_bytes(std::int64_t /*N*/, std::int64_t /*U*/, std::int64_t /*R*/) { return 0; }
const char* no_problem(int /*error*/) { return "none"; }

}  // namespace

const RecurrentKernels& reference_kernels() {
  static constexpr RecurrentKernels kTable = {.gru_forward = gru_step,
                                              .gru_backward = gru_step_back,
                                              .turn_attention_forward = attention,
                                              .turn_attention_backward = attention_back,
                                              .turn_attention_scratch = no_floats,
                                              .row_places = places_of_rows,
                                              .row_places_scratch = no_bytes,
                                              .problem = no_problem};
  return kTable;
}

}  // namespace banter::models
