#include "models/precision.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>

#include "models/cuda/door.h"
#include "models/cuda/module.h"

namespace banter::models {

std::string bf16_problem(torch::Device device) {
  if (device.is_cuda()) {
    auto* const has_bf16 = cuda_function<decltype(banter_cuda_has_bf16)>("banter_cuda_has_bf16");
    if (has_bf16 != nullptr && has_bf16(device.index()) != 0) return {};
    return "this GPU has no bfloat16 products (compute capability 8.0 and newer have)";
  }
  const auto capability = at::get_cpu_capability();
  const auto slow = " would make each product many times slower than in float32";
  if (!capability.starts_with("AVX512"))
    return "LibTorch computes with " + capability + " here, where bfloat16" + slow;
  if (!__builtin_cpu_supports("avx512bf16"))
    return std::string("this CPU has no avx512_bf16, without which bfloat16") + slow;
  return {};
}

Bf16Products::Bf16Products(torch::Device device)
    : device_(device.type()),
      type_before_(at::autocast::get_autocast_dtype(device_)),
      was_on_(at::autocast::is_autocast_enabled(device_)) {
  at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::increment_nesting();
}

Bf16Products::~Bf16Products() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_on_);
  at::autocast::set_autocast_dtype(device_, type_before_);
}

void allow_tf32(bool on) { at::globalContext().setFloat32MatmulPrecision(on ? "high" : "highest"); }

}  // namespace banter::models
