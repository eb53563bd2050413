#pragma once

namespace banter::models {

/// A function of libbanter_cuda.so (models/cuda/module.h) by name; null before `open_device` or
/// `cuda_status` has loaded it, and where it has none of this name.
void* cuda_symbol(const char* name);
template <typename Function>
Function* cuda_function(const char* name) {
  return reinterpret_cast<Function*>(cuda_symbol(name));
}

}  // namespace banter::models
