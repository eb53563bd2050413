#include <cstdint>

#include <cuda_runtime_api.h>

#include "models/kernels/device_floats.h"
#include "models/kernels/device_kernels.h"

// One block a query (or a row of the table, on the way back). Where a sum runs over a width, a warp
// takes a place and its lanes the width; where it runs over places, a thread takes columns. Scores
// and weights stay in their (N,U) place in global memory, so U needs no shared memory.

namespace banter::models {
namespace {

using Attention = TurnAttention<float>;
using Gradients = TurnAttentionGradients<float>;

constexpr int kMostWarps = kMostThreads / 32;

template <int Width>
__global__ void __launch_bounds__(kMostThreads)
    forward(const Attention in, float* __restrict__ weights, float* __restrict__ out) {
  __shared__ float parts[kMostWarps];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  const float* __restrict__ keys = in.keys;
  const float* __restrict__ v = in.v;
  const float* __restrict__ values = in.values;
  for (std::int64_t n = blockIdx.x; n < in.N; n += gridDim.x) {
    const std::int64_t* __restrict__ rows = in.index + n * in.U;
    const float* __restrict__ query = in.query + n * in.K;
    float* w = weights + n * in.U;

    for (std::int64_t u = warp; u < in.U; u += warps) {
      if (rows[u] < 0) continue;
      const float* key = keys + rows[u] * in.K;
      float score = 0;
      for (std::int64_t i = lane; i < in.K / Width; i += 32) {
        const auto a = load<Width>(key, i), b = load<Width>(query, i), c = load<Width>(v, i);
#pragma unroll
        for (int k = 0; k < Width; ++k) score += c.at[k] * tanhf(a.at[k] + b.at[k]);
      }
      score = over_warp(score, Sum());
      if (lane == 0) w[u] = score;
    }
    __syncthreads();

    float highest = -INFINITY;
    for (std::int64_t u = threadIdx.x; u < in.U; u += blockDim.x)
      if (rows[u] >= 0) highest = fmaxf(highest, w[u]);
    highest = over_block(highest, parts, Highest());
    float sum = 0;
    for (std::int64_t u = threadIdx.x; u < in.U; u += blockDim.x) {
      w[u] = rows[u] < 0 ? 0.0F : expf(w[u] - highest);
      sum += w[u];
    }
    sum = over_block(sum, parts, Sum());
    if (sum != 0) {  // a kept place adds 1 at least: 0 = there is none
      for (std::int64_t u = threadIdx.x; u < in.U; u += blockDim.x) w[u] /= sum;
    }
    __syncthreads();

    for (std::int64_t i = threadIdx.x; i < in.D / Width; i += blockDim.x) {
      Floats<Width> total = {};
#pragma unroll 4
      for (std::int64_t u = 0; u < in.U; ++u) {
        if (rows[u] < 0) continue;
        const float weight = w[u];
        const auto value = load<Width>(values + rows[u] * in.D, i);
#pragma unroll
        for (int k = 0; k < Width; ++k) total.at[k] += weight * value.at[k];
      }
      store(out + n * in.D, i, total);
    }
  }
}

/// d_scores, d.query and each block's part of d.v.
/// Shapes   d_scores (N,U), v_parts (blocks,K) out
template <int Width>
__global__ void __launch_bounds__(kMostThreads)
    backward_queries(const Attention in, const float* __restrict__ weights,
                     const float* __restrict__ d_out, const float* __restrict__ d_weights,
                     float* __restrict__ d_query, float* __restrict__ d_scores,
                     float* __restrict__ v_parts) {
  __shared__ float parts[kMostWarps];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  const float* __restrict__ keys = in.keys;
  const float* __restrict__ values = in.values;
  float* v_part = v_parts + blockIdx.x * in.K;
  for (std::int64_t n = blockIdx.x; n < in.N; n += gridDim.x) {
    const std::int64_t* __restrict__ rows = in.index + n * in.U;
    const float* __restrict__ w = weights + n * in.U;
    const float* __restrict__ d = d_out + n * in.D;
    float* d_score = d_scores + n * in.U;

    for (std::int64_t u = warp; u < in.U; u += warps) {
      float dot = 0;
      if (rows[u] >= 0) {
        const float* value = values + rows[u] * in.D;
        for (std::int64_t i = lane; i < in.D / Width; i += 32) {
          const auto a = load<Width>(value, i), b = load<Width>(d, i);
#pragma unroll
          for (int k = 0; k < Width; ++k) dot += a.at[k] * b.at[k];
        }
        dot = over_warp(dot, Sum());
        if (d_weights != nullptr) dot += d_weights[n * in.U + u];
      }
      if (lane == 0) d_score[u] = dot;
    }
    __syncthreads();

    float mean = 0;
    for (std::int64_t u = threadIdx.x; u < in.U; u += blockDim.x) mean += w[u] * d_score[u];
    mean = over_block(mean, parts, Sum());
    for (std::int64_t u = threadIdx.x; u < in.U; u += blockDim.x)
      d_score[u] = w[u] * (d_score[u] - mean);
    __syncthreads();

    const bool first = n == blockIdx.x;
    for (std::int64_t i = threadIdx.x; i < in.K / Width; i += blockDim.x) {
      const auto query = load<Width>(in.query + n * in.K, i), v = load<Width>(in.v, i);
      Floats<Width> dq = {}, dv = {};
      if (!first) dv = load<Width>(v_part, i);
#pragma unroll 2
      for (std::int64_t u = 0; u < in.U; ++u) {
        if (rows[u] < 0) continue;
        const float de = d_score[u];
        const auto key = load<Width>(keys + rows[u] * in.K, i);
#pragma unroll
        for (int k = 0; k < Width; ++k) {
          const float t = tanhf(key.at[k] + query.at[k]);
          dq.at[k] += de * (1.0F - t * t);
          dv.at[k] += de * t;
        }
      }
#pragma unroll
      for (int k = 0; k < Width; ++k) dq.at[k] *= v.at[k];
      store(d_query + n * in.K, i, dq);
      store(v_part, i, dv);
    }
  }
}

/// The sums of each row's places: blockIdx.y = 0 makes d.keys, 1 makes d.values.
template <int Width>
__global__ void __launch_bounds__(kMostThreads)
    backward_rows(const Attention in, const RowPlaces by_row, const float* __restrict__ weights,
                  const float* __restrict__ d_out, const float* __restrict__ d_scores,
                  float* __restrict__ d_keys, float* __restrict__ d_values) {
  const auto U = static_cast<std::int32_t>(in.U);
  for (std::int64_t row = blockIdx.x; row < in.R; row += gridDim.x) {
    const std::int32_t begin = by_row.starts[row], end = by_row.starts[row + 1];
    if (begin == end) continue;
    if (blockIdx.y == 0) {
      for (std::int64_t i = threadIdx.x; i < in.K / Width; i += blockDim.x) {
        const auto key = load<Width>(in.keys + row * in.K, i), v = load<Width>(in.v, i);
        Floats<Width> sum = {};
#pragma unroll 2
        for (std::int32_t p = begin; p < end; ++p) {
          const std::int32_t place = by_row.places[p];
          const float de = d_scores[place];
          const auto query = load<Width>(in.query + place / U * in.K, i);
#pragma unroll
          for (int k = 0; k < Width; ++k) {
            const float t = tanhf(key.at[k] + query.at[k]);
            sum.at[k] += de * (1.0F - t * t);
          }
        }
        auto to = load<Width>(d_keys + row * in.K, i);
#pragma unroll
        for (int k = 0; k < Width; ++k) to.at[k] += sum.at[k] * v.at[k];
        store(d_keys + row * in.K, i, to);
      }
    } else {
      for (std::int64_t i = threadIdx.x; i < in.D / Width; i += blockDim.x) {
        Floats<Width> sum = {};
#pragma unroll 4
        for (std::int32_t p = begin; p < end; ++p) {
          const std::int32_t place = by_row.places[p];
          const float weight = weights[place];
          const auto d = load<Width>(d_out + place / U * in.D, i);
#pragma unroll
          for (int k = 0; k < Width; ++k) sum.at[k] += weight * d.at[k];
        }
        auto to = load<Width>(d_values + row * in.D, i);
#pragma unroll
        for (int k = 0; k < Width; ++k) to.at[k] += sum.at[k];
        store(d_values + row * in.D, i, to);
      }
    }
  }
}

/// d_v += the sum of the parts. A block of 32 x 32 takes 32 columns, a warp every 32nd part.
__global__ void __launch_bounds__(1024)
    add_parts(std::int64_t count, std::int64_t K, const float* __restrict__ parts,
              float* __restrict__ d_v) {
  __shared__ float sums[32][33];
  for (std::int64_t from = std::int64_t{blockIdx.x} * 32; from < K;
       from += std::int64_t{gridDim.x} * 32) {
    const std::int64_t k = from + threadIdx.x;
    float sum = 0;
    if (k < K) {
#pragma unroll 4
      for (std::int64_t part = threadIdx.y; part < count; part += 32) sum += parts[part * K + k];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    const float total = over_warp(sums[threadIdx.x][threadIdx.y], Sum());
    if (threadIdx.x == 0 && from + threadIdx.y < K) d_v[from + threadIdx.y] += total;
    __syncthreads();  // before sums are written again
  }
}

/// Threads of a block: enough for the wider of the two widths, two warps at least.
unsigned threads_for(const Attention& in, int width) {
  const auto columns = (in.K > in.D ? in.K : in.D) / width;
  const auto threads = (columns + 31) / 32 * 32;
  return static_cast<unsigned>(threads < 64 ? 64 : threads > kMostThreads ? kMostThreads : threads);
}

template <int Width>
void launch_backward(const Attention& in, const RowPlaces& rows, const float* weights,
                     const float* d_out, const float* d_weights, const Gradients& d, float* scratch,
                     cudaStream_t stream) {
  const auto blocks = turn_attention_parts(in.N);
  float* v_parts = scratch;
  float* d_scores = scratch + blocks * in.K;
  const auto threads = threads_for(in, Width);
  backward_queries<Width><<<static_cast<unsigned>(blocks), threads, 0, stream>>>(
      in, weights, d_out, d_weights, d.query, d_scores, v_parts);
  if (in.R > 0) {
    backward_rows<Width><<<dim3(blocks_for(in.R, 1), 2), threads, 0, stream>>>(
        in, rows, weights, d_out, d_scores, d.keys, d.values);
  }
  if (in.K > 0) {
    add_parts<<<blocks_for(in.K, 32), dim3(32, 32), 0, stream>>>(blocks, in.K, v_parts, d.v);
  }
}

bool is_valid(const Attention& in) {
  return in.N >= 0 && in.U >= 0 && in.R >= 0 && in.K >= 0 && in.D >= 0;
}

}  // namespace

int launch_turn_attention_forward(const Attention& in, float* weights, float* out,
                                  cudaStream_t stream) {
  if (!is_valid(in)) return cudaErrorInvalidValue;
  if (in.N == 0) return cudaSuccess;
  const auto blocks = blocks_for(in.N, 1);
  if (fours({in.K, in.D}, {in.query, in.keys, in.v, in.values, out})) {
    forward<4><<<blocks, threads_for(in, 4), 0, stream>>>(in, weights, out);
  } else {
    forward<1><<<blocks, threads_for(in, 1), 0, stream>>>(in, weights, out);
  }
  return cudaGetLastError();
}

int launch_turn_attention_backward(const Attention& in, const RowPlaces& rows, const float* weights,
                                   const float* d_out, const float* d_weights, const Gradients& d,
                                   float* scratch, cudaStream_t stream) {
  if (!is_valid(in) || in.N * in.U > INT32_MAX) return cudaErrorInvalidValue;
  if (in.N == 0) return cudaSuccess;
  if (fours({in.K, in.D},
            {in.query, in.keys, in.v, in.values, d_out, d.query, d.keys, d.v, d.values, scratch})) {
    launch_backward<4>(in, rows, weights, d_out, d_weights, d, scratch, stream);
  } else {
    launch_backward<1>(in, rows, weights, d_out, d_weights, d, scratch, stream);
  }
  return cudaGetLastError();
}

}  // namespace banter::models
