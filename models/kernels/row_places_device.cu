#include <cstddef>
#include <cstdint>

#include <cub/device/device_radix_sort.cuh>
#include <cuda_runtime_api.h>

#include "models/kernels/device_floats.h"
#include "models/kernels/device_kernels.h"

// The places sorted by their row: the radix sort is stable, so each row's places stay rising, and
// there is one answer only.

namespace banter::models {
namespace {

/// Row and number of each place; row R = none, which sorts behind all others.
__global__ void __launch_bounds__(kMostThreads)
    fill(std::int64_t count, std::int64_t R, const std::int64_t* __restrict__ index,
         std::uint32_t* __restrict__ rows, std::int32_t* __restrict__ places) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    rows[i] = static_cast<std::uint32_t>(index[i] < 0 ? R : index[i]);
    places[i] = static_cast<std::int32_t>(i);
  }
}

/// starts[r] = the first of the sorted rows that is not below r.
__global__ void __launch_bounds__(kMostThreads)
    find_starts(std::int64_t count, std::int64_t R, const std::uint32_t* __restrict__ rows,
                std::int32_t* __restrict__ starts) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t r = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; r <= R; r += stride) {
    std::int64_t low = 0, high = count;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (rows[middle] < r) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    starts[r] = static_cast<std::int32_t>(low);
  }
}

/// The sort of `count` places by row, or with `scratch` null only the bytes it needs.
cudaError_t sort(std::int64_t count, std::int64_t R, const std::uint32_t* rows,
                 std::uint32_t* sorted_rows, const std::int32_t* places,
                 std::int32_t* sorted_places, void* scratch, std::size_t& bytes,
                 cudaStream_t stream) {
  const int bits = 32 - __builtin_clz(static_cast<std::uint32_t>(R) | 1U);  // of 0 .. R
  return cub::DeviceRadixSort::SortPairs(scratch, bytes, rows, sorted_rows, places, sorted_places,
                                         static_cast<std::int32_t>(count), 0, bits, stream);
}

/// Bytes of one array of `count` numbers, so that the next one is aligned too.
std::size_t array_bytes(std::int64_t count) {
  return (static_cast<std::size_t>(count) * sizeof(std::int32_t) + 255) / 256 * 256;
}

bool is_valid(std::int64_t N, std::int64_t U, std::int64_t R) {
  return N >= 0 && U >= 0 && R >= 0 && R < INT32_MAX && N * U <= INT32_MAX;
}

}  // namespace

std::size_t row_places_scratch(std::int64_t N, std::int64_t U, std::int64_t R) {
  std::size_t bytes = 0;
  if (!is_valid(N, U, R)) return 0;
  if (sort(N * U, R, nullptr, nullptr, nullptr, nullptr, nullptr, bytes, nullptr) != cudaSuccess) {
    cudaGetLastError();  // told by the 0
    return 0;
  }
  return 3 * array_bytes(N * U) + bytes;
}

int launch_row_places(std::int64_t N, std::int64_t U, std::int64_t R, const std::int64_t* index,
                      std::int32_t* starts, std::int32_t* places, void* scratch,
                      cudaStream_t stream) {
  if (!is_valid(N, U, R)) return cudaErrorInvalidValue;
  const auto count = N * U;
  auto* memory = static_cast<std::byte*>(scratch);
  auto* rows = reinterpret_cast<std::uint32_t*>(memory);
  auto* sorted_rows = reinterpret_cast<std::uint32_t*>(memory + array_bytes(count));
  auto* unsorted = reinterpret_cast<std::int32_t*>(memory + 2 * array_bytes(count));
  if (count > 0) {
    fill<<<blocks_for(count, kMostThreads), kMostThreads, 0, stream>>>(count, R, index, rows,
                                                                       unsorted);
    std::size_t bytes = 0;
    auto error = sort(count, R, rows, sorted_rows, unsorted, places, nullptr, bytes, stream);
    if (error == cudaSuccess) {
      error = sort(count, R, rows, sorted_rows, unsorted, places, memory + 3 * array_bytes(count),
                   bytes, stream);
    }
    if (error != cudaSuccess) return error;
  }
  find_starts<<<blocks_for(R + 1, kMostThreads), kMostThreads, 0, stream>>>(count, R, sorted_rows,
                                                                            starts);
  return cudaGetLastError();
}

}  // namespace banter::models
