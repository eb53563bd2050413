#pragma once

#include <cstddef>
#include <cstdint>

#include "models/kernels/turn_attention.h"

using cudaStream_t = struct CUstream_st*;  // as in <driver_types.h>, which need not be there

/// The device kernels: float, on pointers into device memory, free of torch. Each has the signature
/// of its CPU reference, with scratch memory and the stream behind, and the reference's contract
/// holds (README.md has the table).
///
/// A function puts its work into `stream` and returns without waiting: the cudaError_t of the
/// launch as an int, 0 = success; cudaErrorInvalidValue for sizes it cannot take. Errors of the
/// work itself come out where the stream is waited for. Nothing is allocated. Widths that are
/// multiples of four with pointers on 16 bytes are read four floats at a time, all others one by
/// one.
///
/// The same arguments give the same bytes on every run: no float atomics, every sum in an order
/// that only sizes and alignment decide. No --use_fast_math: exp, tanh and division are the
/// accurate ones.
namespace banter::models {

/// `Kernels::gru_forward`; `saved` (n,4H) or null.
int launch_gru_forward(std::int64_t n, std::int64_t H, const float* gi, const float* gh,
                       const float* h, float* next, float* saved, cudaStream_t stream);

/// `Kernels::gru_backward`: `d_h` (n,H) is the direct part z * d_next only.
int launch_gru_backward(std::int64_t n, std::int64_t H, const float* d_next, const float* saved,
                        const float* h, float* d_gi, float* d_gh, float* d_h, cudaStream_t stream);

/// `turn_attention_forward`.
int launch_turn_attention_forward(const TurnAttention<float>& in, float* weights, float* out,
                                  cudaStream_t stream);

/// Blocks of queries whose parts of dv are summed in a second pass.
constexpr std::int64_t turn_attention_parts(std::int64_t N) { return N < 1024 ? N : 1024; }

/// Floats of scratch that `launch_turn_attention_backward` writes.
constexpr std::int64_t turn_attention_scratch(std::int64_t N, std::int64_t U, std::int64_t K) {
  return turn_attention_parts(N) * K + N * U;
}

/// `turn_attention_backward`. Rows of keys and values are summed by row, each in the order of
/// `rows`, the RowPlaces of `in.index`: one block a row, so a row that nearly all queries look at
/// is slow. N * U fits into an int32.
int launch_turn_attention_backward(const TurnAttention<float>& in, const RowPlaces& rows,
                                   const float* weights, const float* d_out, const float* d_weights,
                                   const TurnAttentionGradients<float>& d, float* scratch,
                                   cudaStream_t stream);

/// Bytes of scratch that `launch_row_places` needs; 0 when there is no device to ask.
std::size_t row_places_scratch(std::int64_t N, std::int64_t U, std::int64_t R);

/// `row_places`, by a stable sort. `scratch` starts on 256 bytes, as cudaMalloc gives it.
int launch_row_places(std::int64_t N, std::int64_t U, std::int64_t R, const std::int64_t* index,
                      std::int32_t* starts, std::int32_t* places, void* scratch,
                      cudaStream_t stream);

}  // namespace banter::models
