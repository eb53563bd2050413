#pragma once

#include <cstddef>
#include <cstdint>

#include "models/kernels/turn_attention.h"

namespace banter::models {

/// The kernels that a recurrence is made of, for float, of one kind of device: on pointers into its
/// memory, one behind the other in the order of the calls.
///
/// A function returns 0, or a number that `problem` has words for; it may return before its work is
/// done. Nothing is allocated: where `..._scratch` says so a function needs that much memory.
struct RecurrentKernels {
  /// `Kernels::gru_forward`, `Kernels::gru_backward`.
  int (*gru_forward)(std::int64_t n, std::int64_t H, const float* gi, const float* gh,
                     const float* h, float* next, float* saved);
  int (*gru_backward)(std::int64_t n, std::int64_t H, const float* d_next, const float* saved,
                      const float* h, float* d_gi, float* d_gh, float* d_h);

  /// `turn_attention_forward`, `turn_attention_backward`; `rows` are the RowPlaces of `in.index`,
  /// `scratch` so many floats.
  int (*turn_attention_forward)(const TurnAttention<float>& in, float* weights, float* out);
  int (*turn_attention_backward)(const TurnAttention<float>& in, const RowPlaces& rows,
                                 const float* weights, const float* d_out, const float* d_weights,
                                 const TurnAttentionGradients<float>& d, float* scratch);
  std::int64_t (*turn_attention_scratch)(std::int64_t N, std::int64_t U, std::int64_t K);

  /// `row_places`; `scratch` so many bytes, on 256.
  int (*row_places)(std::int64_t N, std::int64_t U, std::int64_t R, const std::int64_t* index,
                    std::int32_t* starts, std::int32_t* places, void* scratch);
  std::size_t (*row_places_scratch)(std::int64_t N, std::int64_t U, std::int64_t R);

  const char* (*problem)(int error);
};

/// Those of the CPU, single-threaded: what the device's are held to. Any thread.
const RecurrentKernels& reference_kernels();

}  // namespace banter::models
