#include <cuda_runtime_api.h>

#include "models/kernels/device_floats.h"
#include "models/kernels/device_kernels.h"

// A thread makes `Width` neighbours of a row; all reads and writes of a warp lie side by side.

namespace banter::models {
namespace {

__device__ __forceinline__ float sigmoid_of(float x) { return 1.0F / (1.0F + expf(-x)); }

template <int Width>
__global__ void __launch_bounds__(kMostThreads)
    gru_forward(std::int64_t n, std::int64_t H, const float* __restrict__ gi,
                const float* __restrict__ gh, const float* __restrict__ h, float* __restrict__ next,
                float* __restrict__ saved) {
  const std::int64_t groups = H / Width;
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n * groups;
       i += stride) {
    const std::int64_t row = i / groups, j = i % groups;
    const float* a = gi + row * 3 * H;
    const float* b = gh + row * 3 * H;
    const auto a_r = load<Width>(a, j), b_r = load<Width>(b, j);
    const auto a_z = load<Width>(a + H, j), b_z = load<Width>(b + H, j);
    const auto a_n = load<Width>(a + 2 * H, j), b_n = load<Width>(b + 2 * H, j);
    const auto old = load<Width>(h + row * H, j);
    Floats<Width> r, z, c, out;
#pragma unroll
    for (int k = 0; k < Width; ++k) {
      r.at[k] = sigmoid_of(a_r.at[k] + b_r.at[k]);
      z.at[k] = sigmoid_of(a_z.at[k] + b_z.at[k]);
      c.at[k] = tanhf(a_n.at[k] + r.at[k] * b_n.at[k]);
      out.at[k] = c.at[k] + z.at[k] * (old.at[k] - c.at[k]);
    }
    store(next + row * H, j, out);
    if (saved == nullptr) continue;
    float* keep = saved + row * 4 * H;
    store(keep, j, r);
    store(keep + H, j, z);
    store(keep + 2 * H, j, c);
    store(keep + 3 * H, j, b_n);
  }
}

template <int Width>
__global__ void __launch_bounds__(kMostThreads)
    gru_backward(std::int64_t n, std::int64_t H, const float* __restrict__ d_next,
                 const float* __restrict__ saved, const float* __restrict__ h,
                 float* __restrict__ d_gi, float* __restrict__ d_gh, float* __restrict__ d_h) {
  const std::int64_t groups = H / Width;
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n * groups;
       i += stride) {
    const std::int64_t row = i / groups, j = i % groups;
    const float* keep = saved + row * 4 * H;
    const auto r = load<Width>(keep, j), z = load<Width>(keep + H, j);
    const auto c = load<Width>(keep + 2 * H, j), b_n = load<Width>(keep + 3 * H, j);
    const auto d = load<Width>(d_next + row * H, j), old = load<Width>(h + row * H, j);
    Floats<Width> dr, dz, dc, db, direct;
#pragma unroll
    for (int k = 0; k < Width; ++k) {
      const float rk = r.at[k], zk = z.at[k], ck = c.at[k];
      dc.at[k] = d.at[k] * (1.0F - zk) * (1.0F - ck * ck);
      dz.at[k] = d.at[k] * (old.at[k] - ck) * zk * (1.0F - zk);
      dr.at[k] = dc.at[k] * b_n.at[k] * rk * (1.0F - rk);
      db.at[k] = dc.at[k] * rk;
      direct.at[k] = d.at[k] * zk;
    }
    float* da = d_gi + row * 3 * H;
    float* to = d_gh + row * 3 * H;
    store(da, j, dr);
    store(da + H, j, dz);
    store(da + 2 * H, j, dc);
    store(to, j, dr);
    store(to + H, j, dz);
    store(to + 2 * H, j, db);
    store(d_h + row * H, j, direct);
  }
}

}  // namespace

int launch_gru_forward(std::int64_t n, std::int64_t H, const float* gi, const float* gh,
                       const float* h, float* next, float* saved, cudaStream_t stream) {
  if (n < 0 || H < 0) return cudaErrorInvalidValue;
  if (n == 0 || H == 0) return cudaSuccess;
  if (fours({H}, {gi, gh, h, next, saved})) {
    gru_forward<4><<<blocks_for(n * H / 4, kMostThreads), kMostThreads, 0, stream>>>(
        n, H, gi, gh, h, next, saved);
  } else {
    gru_forward<1><<<blocks_for(n * H, kMostThreads), kMostThreads, 0, stream>>>(n, H, gi, gh, h,
                                                                                 next, saved);
  }
  return cudaGetLastError();
}

int launch_gru_backward(std::int64_t n, std::int64_t H, const float* d_next, const float* saved,
                        const float* h, float* d_gi, float* d_gh, float* d_h, cudaStream_t stream) {
  if (n < 0 || H < 0) return cudaErrorInvalidValue;
  if (n == 0 || H == 0) return cudaSuccess;
  if (fours({H}, {d_next, saved, h, d_gi, d_gh, d_h})) {
    gru_backward<4><<<blocks_for(n * H / 4, kMostThreads), kMostThreads, 0, stream>>>(
        n, H, d_next, saved, h, d_gi, d_gh, d_h);
  } else {
    gru_backward<1><<<blocks_for(n * H, kMostThreads), kMostThreads, 0, stream>>>(
        n, H, d_next, saved, h, d_gi, d_gh, d_h);
  }
  return cudaGetLastError();
}

}  // namespace banter::models
