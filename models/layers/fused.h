#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <ATen/Parallel.h>
#include <torch/types.h>

#include "models/kernels/kernels.h"

/// How tensors meet the plain-pointer kernels.
namespace banter::models {

constexpr std::int64_t kRowGrain = 4;      ///< rows that are worth a thread of their own
constexpr std::int64_t kColumnGrain = 64;  ///< columns, likewise

/// What kernels of ours stand in for; the plain form is LibTorch's operations.
enum class Kernel : std::uint8_t {
  kGru,           ///< a GRU over packed rows, forward and back, and its step
  kDecoder,       ///< the same with attention over the turns at each step
  kWords,         ///< the same with attention over the words of the turns
  kAttention,     ///< additive attention by itself
  kDotAttention,  ///< scaled dot-product attention of a step
  kDropout,       ///< dropout, its mask made by all threads
  kOutput,        ///< the output layer with its cross entropy
  kStep,          ///< a few rows times a packed matrix: of a decoding step, of a recurrence's
  kScreen,        ///< the arg max of a decoding step, found by products of bytes
  kDevice,        ///< all that run on a GPU
};
constexpr std::array<std::string_view, 10> kKernelNames = {
    "gru",     "decoder", "words", "attention", "dot_attention",
    "dropout", "output",  "step",  "screen",    "device"};

/// False where the environment's BANTER_PLAIN, a list of `kKernelNames` with commas, names it: for
/// measuring what each kernel is worth. Read once. In plain form what a row of a decoding step
/// gets may depend on the other rows.
/// Throws   ConfigError when it names another
bool is_used(Kernel kernel);

/// Whether the fused CPU kernels take these tensors (float or double on the CPU).
inline bool has_kernels(const torch::Tensor& tensor) {
  return tensor.is_cpu() &&
         (tensor.scalar_type() == torch::kFloat || tensor.scalar_type() == torch::kDouble);
}
inline bool has_kernels(const torch::Tensor& tensor, Kernel kernel) {
  return has_kernels(tensor) && is_used(kernel);
}

inline RowIndex row_index(const torch::Tensor& index) {
  return {index.data_ptr<std::int64_t>(), index.size(1)};
}

/// Splits [0, n) among LibTorch's threads, at least `grain` each; `work(begin, end)`. What a cell
/// gets must not depend on the split.
template <typename Work>
void split(std::int64_t n, std::int64_t grain, const Work& work) {
  at::parallel_for(0, n, grain, work);
}

/// Calls `work` with a zero of the tensor's type: `with_type(x, [&](auto zero) { ... })`.
template <typename Work>
void with_type(const torch::Tensor& tensor, const Work& work) {
  if (tensor.scalar_type() == torch::kDouble) {
    work(double{});
  } else {
    work(float{});
  }
}

}  // namespace banter::models
