#pragma once

#include <cstdint>

#include <torch/types.h>

namespace banter::models {

/// Tells whether a tensor is still the one that something was made from: the same memory, seen the
/// same way, and not changed in place through LibTorch. A change through plain pointers goes
/// unseen.
class Unchanged {
 public:
  Unchanged() = default;
  explicit Unchanged(const torch::Tensor& tensor)
      : tensor_(tensor.detach()), version_(version_of(tensor)) {}

  [[nodiscard]] bool is(const torch::Tensor& tensor) const {
    return tensor_.defined() && tensor_.data_ptr() == tensor.data_ptr() &&
           tensor_.sizes() == tensor.sizes() && tensor_.strides() == tensor.strides() &&
           tensor_.scalar_type() == tensor.scalar_type() && version_ == version_of(tensor);
  }

 private:
  /// Tensors made in inference mode count no changes: they are taken as constant.
  static std::int64_t version_of(const torch::Tensor& tensor) {
    return tensor.is_inference() ? 0 : static_cast<std::int64_t>(tensor._version());
  }

  torch::Tensor tensor_;  ///< kept, so that its address stays its own, and unmoved by `set_data`
  std::int64_t version_ = 0;
};

}  // namespace banter::models
