#pragma once

#include <string>

#include <torch/types.h>

namespace banter::models {

/// Why matrix products in bfloat16 do not belong on a device, in words that go on behind
/// "train.precision: bf16: "; "" where they do: a GPU of compute capability 8.0 or newer, a CPU
/// with avx512_bf16 on which LibTorch uses AVX-512.
std::string bf16_problem(torch::Device device);

/// While it lives, and on its thread, LibTorch's matrix products on a device are made of bfloat16
/// numbers, and so are those of our own Functions; what needs more stays in float32. Copies that
/// were made of the weights go with it. For forward passes: the way back follows by itself.
class Bf16Products {
 public:
  explicit Bf16Products(torch::Device device);
  ~Bf16Products();
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

 private:
  torch::DeviceType device_;
  torch::ScalarType type_before_;
  bool was_on_;
};

/// Whether float32 products on a GPU may be made of TF32 numbers (10 bits behind the point); for
/// the whole process.
void allow_tf32(bool on);

}  // namespace banter::models
