#pragma once

#include <cstdint>

/// Bounds of a step's logits by products of bytes: what can be the arg max is found with a quarter
/// of the memory that the floats take, and only that little is then computed in floats. No torch,
/// no threads, as in kernels.h.
///
/// Math     W = w~ + e with w~ = scale * round(W / scale), features h = h~ + f likewise:
///          W h = w~ h~ + w~ f + e h,  so  |W h - w~ h~| <= |w~| |f| + |e| |h|  (Cauchy-Schwarz);
///          w~ h~ is a sum of integers. `error`, `norm` and `slack` are rounded up and hold what
///          float arithmetic adds, so the bounds are of the logits as `rows_times_packed` makes
///          them: |fl(W h) - W h| <= (K + 1) 2^-24 |W| |h| to first order (Higham 2002,
///          section 3.1)
/// Source   bounds of inner products from their integer parts: Li et al. 2017, FEXIPRO,
///          doi:10.1145/3035918.3064009, section 4
namespace banter::models {

inline constexpr std::int64_t kLabelPanel = 64;          ///< labels that lie side by side
inline constexpr std::int64_t kMostLabelWidth = 32'768;  ///< K: sums of products of bytes fit int32

/// A matrix (V,K) and a bias (V). Labels stand in panels of `kLabelPanel`; the last one is filled
/// with labels whose bias is minus infinity.
struct LabelBytes {
  std::int64_t quads = 0;               ///< ceil(K / 4)
  const std::uint8_t* bytes = nullptr;  ///< (panels, quads, kLabelPanel, 4): W / scale + 128
  const float* scale = nullptr;         ///< (panels * kLabelPanel), as the next four
  const float* bias = nullptr;
  const float* error = nullptr;  ///< |e| and the floats' own error
  const float* norm = nullptr;   ///< |w~|
  const float* slack = nullptr;  ///< of the bias; infinite where W or it are not finite
};

/// Features (N,K) of a step.
struct FeatureBytes {
  const std::int8_t* bytes = nullptr;  ///< (N, quads, 4): h / scale
  const std::int32_t* sums = nullptr;  ///< (N): 128 times the sum of a row's bytes
  const float* scale = nullptr;        ///< (N), as the next two; NaN: the row is not finite
  const float* length = nullptr;       ///< |h|
  const float* error = nullptr;        ///< |f|
};

struct LabelBoundKernels {
  const char* name;        ///< "avx512_vnni", "avx2", "baseline"
  std::int64_t most_rows;  ///< N up to which it is faster than the floats themselves

  /// Rows [0, N) of x (N,K) into bytes. Shapes   as FeatureBytes, out
  void (*features)(std::int64_t N, std::int64_t K, const float* x, std::int8_t* bytes,
                   std::int32_t* sums, float* scale, float* length, float* error);

  /// Bounds of the logits of N rows for panels [begin, end).
  /// Shapes   upper (N, panels * kLabelPanel) out: no logit is higher; highest_upper, highest_lower
  ///          (panels,N) out: the panel's highest of these, and of what no logit is lower than
  void (*bounds)(std::int64_t begin, std::int64_t end, std::int64_t panels, std::int64_t N,
                 const LabelBytes& labels, const FeatureBytes& features, float* upper,
                 float* highest_upper, float* highest_lower);
};

/// Panels [begin, end) of a matrix (V,K) and a bias (V) into bytes.
/// Shapes   as LabelBytes, out
void pack_label_bytes(std::int64_t begin, std::int64_t end, std::int64_t V, std::int64_t K,
                      const float* weight, const float* bias, std::uint8_t* bytes, float* scale,
                      float* biases, float* error, float* norm, float* slack);

/// The best table this CPU can run: all give the same bounds but for the rounding of floats.
const LabelBoundKernels& label_bound_kernels();

/// One of the tables by name, for tests; null when this CPU cannot run it.
const LabelBoundKernels* label_bound_kernels_named(const char* name);

}  // namespace banter::models
