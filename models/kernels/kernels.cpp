#include "models/kernels/kernels.h"

#include <cstring>

namespace banter::models {

namespace avx512 {
const Kernels<float>& float_table();
const Kernels<double>& double_table();
}  // namespace avx512
namespace avx2 {
const Kernels<float>& float_table();
const Kernels<double>& double_table();
}  // namespace avx2
namespace baseline {
const Kernels<float>& float_table();
const Kernels<double>& double_table();
}  // namespace baseline

namespace {

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("fma");
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

template <>
const Kernels<float>* kernels_named<float>(const char* name) {
  if (std::strcmp(name, "avx512") == 0) return has_avx512() ? &avx512::float_table() : nullptr;
  if (std::strcmp(name, "avx2") == 0) return has_avx2() ? &avx2::float_table() : nullptr;
  return std::strcmp(name, "baseline") == 0 ? &baseline::float_table() : nullptr;
}

template <>
const Kernels<double>* kernels_named<double>(const char* name) {
  if (std::strcmp(name, "avx512") == 0) return has_avx512() ? &avx512::double_table() : nullptr;
  if (std::strcmp(name, "avx2") == 0) return has_avx2() ? &avx2::double_table() : nullptr;
  return std::strcmp(name, "baseline") == 0 ? &baseline::double_table() : nullptr;
}

namespace {

template <typename T>
const Kernels<T>& best() {
  if (const auto* table = kernels_named<T>("avx512")) return *table;
  if (const auto* table = kernels_named<T>("avx2")) return *table;
  return *kernels_named<T>("baseline");
}

}  // namespace

template <>
const Kernels<float>& kernels<float>() {
  static const Kernels<float>& table = best<float>();
  return table;
}

template <>
const Kernels<double>& kernels<double>() {
  static const Kernels<double>& table = best<double>();
  return table;
}

}  // namespace banter::models
