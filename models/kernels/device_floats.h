#pragma once

#include <cstdint>
#include <initializer_list>

/// What the device kernels share; for .cu files.
namespace banter::models {

/// `Width` floats that are loaded and stored at once.
template <int Width>
struct alignas(sizeof(float) * Width) Floats {
  float at[Width];
};

/// The i-th group of `Width` floats of a row.
template <int Width>
__device__ __forceinline__ Floats<Width> load(const float* row, std::int64_t i) {
  return reinterpret_cast<const Floats<Width>*>(row)[i];
}
template <int Width>
__device__ __forceinline__ void store(float* row, std::int64_t i, const Floats<Width>& x) {
  reinterpret_cast<Floats<Width>*>(row)[i] = x;
}

/// Whether rows of these widths at these places can be read four floats at a time.
inline bool fours(std::initializer_list<std::int64_t> widths,
                  std::initializer_list<const float*> places) {
  for (const auto width : widths)
    if (width % 4 != 0) return false;
  for (const auto* place : places)
    if (reinterpret_cast<std::uintptr_t>(place) % 16 != 0) return false;
  return true;
}

/// Blocks for `work` units of `each` a block; the kernels' grid-stride loops take what is beyond.
inline unsigned blocks_for(std::int64_t work, std::int64_t each) {
  constexpr std::int64_t kMostBlocks = 65536;
  const auto blocks = (work + each - 1) / each;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

constexpr unsigned kWholeWarp = 0xffffffffU;

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Highest {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

/// The combination of all lanes' x, in every lane.
template <typename Combine>
__device__ __forceinline__ float over_warp(float x, Combine combine) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2)
    x = combine(x, __shfl_xor_sync(kWholeWarp, x, offset));
  return x;
}

constexpr int kMostThreads = 256;

/// The combination of all threads' x, in every thread of the block; `parts` is shared memory, a
/// float a warp.
template <typename Combine>
__device__ __forceinline__ float over_block(float x, float* parts, Combine combine) {
  x = over_warp(x, combine);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  x = parts[0];
  for (unsigned warp = 1; warp < blockDim.x / 32; ++warp) x = combine(x, parts[warp]);
  __syncthreads();  // before parts are written again
  return x;
}

}  // namespace banter::models
