#include "models/kernels/label_bounds.h"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include <immintrin.h>

namespace banter::models {
namespace {

#define BANTER_INLINE inline __attribute__((always_inline))
#define BANTER_VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")))
#define BANTER_AVX2 __attribute__((target("avx2,fma")))

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kRoundUp = 1 + 1.0 / 1024;    // far more than a sum of floats is off
constexpr double kUnit = 1.0 / (1ULL << 24U);  // half the distance of a float to the next
constexpr float kLeastScaled = 1e-30F;         // numbers below are all error
constexpr float kMostVanished = 1.1e-19F;      // its square is 0 where floats are flushed

// ---- features -----------------------------------------------------------------------------------

/// Written once, compiled for each instruction set by its inlining.
BANTER_INLINE void features_of(std::int64_t N, std::int64_t K, const float* x, std::int8_t* bytes,
                               std::int32_t* sums, float* scale, float* length, float* error) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const auto padded = (K + 3) / 4 * 4;
  for (std::int64_t n = 0; n < N; ++n) {
    const float* __restrict row = x + n * K;
    std::int8_t* __restrict to = bytes + n * padded;
    float most = 0;
    float squares = 0;
#pragma omp simd reduction(max : most) reduction(+ : squares)
    for (std::int64_t k = 0; k < K; ++k) {
      const float size = __builtin_fabsf(row[k]);
      most = size > most ? size : most;
      squares += row[k] * row[k];
    }
    // Infinity and NaN reach the sum of squares, and so do numbers whose squares have no float.
    if (!(squares < kInfinity)) {
      for (std::int64_t k = 0; k < padded; ++k) to[k] = 0;
      sums[n] = 0;
      length[n] = error[n] = 0;
      scale[n] = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const bool is_scaled = most > kLeastScaled;
    const float step = is_scaled ? most / 127 : 0;
    const float inverse = is_scaled ? 127 / most : 0;
    float left = 0;
    std::int32_t sum = 0;
#pragma omp simd reduction(+ : left, sum)
    for (std::int64_t k = 0; k < K; ++k) {
      const float shifted = row[k] * inverse + kShift;
      const float rounded = shifted - kShift;
      const float rest = row[k] - step * rounded;
      left += rest * rest;
      const auto whole = static_cast<std::int32_t>(rounded);
      to[k] = static_cast<std::int8_t>(whole);
      sum += whole;
    }
    for (std::int64_t k = K; k < padded; ++k) to[k] = 0;
    const float vanished = __builtin_sqrtf(static_cast<float>(K)) * kMostVanished;
    const float size = __builtin_sqrtf(squares) * static_cast<float>(kRoundUp) + vanished;
    sums[n] = 128 * sum;
    scale[n] = step;
    length[n] = size;
    error[n] = __builtin_sqrtf(left) * static_cast<float>(kRoundUp) + vanished +
               static_cast<float>(8 * kUnit) * size;
  }
}

void features_baseline(std::int64_t N, std::int64_t K, const float* x, std::int8_t* bytes,
                       std::int32_t* sums, float* scale, float* length, float* error) {
  features_of(N, K, x, bytes, sums, scale, length, error);
}
BANTER_AVX2 void features_avx2(std::int64_t N, std::int64_t K, const float* x, std::int8_t* bytes,
                               std::int32_t* sums, float* scale, float* length, float* error) {
  features_of(N, K, x, bytes, sums, scale, length, error);
}
BANTER_VNNI void features_vnni(std::int64_t N, std::int64_t K, const float* x, std::int8_t* bytes,
                               std::int32_t* sums, float* scale, float* length, float* error) {
  features_of(N, K, x, bytes, sums, scale, length, error);
}

// ---- bounds -------------------------------------------------------------------------------------

/// What bounds of a panel are made of and where they go.
struct Panel {
  const LabelBytes& labels;
  const FeatureBytes& features;
  std::int64_t from, stride, N;  ///< first label; of `upper`
  const std::uint8_t* bytes;     ///< (quads, kLabelPanel, 4)
  float *upper, *highest_upper, *highest_lower;
};

/// From the products of row n with the labels' bytes, which hold 128 more than they mean.
BANTER_INLINE void finish(const Panel& p, std::int64_t n, const std::int32_t* __restrict products) {
  const float* __restrict scale = p.labels.scale + p.from;
  const float* __restrict bias = p.labels.bias + p.from;
  const float* __restrict error = p.labels.error + p.from;
  const float* __restrict norm = p.labels.norm + p.from;
  const float* __restrict slack = p.labels.slack + p.from;
  float* __restrict upper = p.upper + n * p.stride + p.from;
  const auto sum = p.features.sums[n];
  const float step = p.features.scale[n], length = p.features.length[n], rest = p.features.error[n];
  float highest_upper = -kInfinity;
  float highest_lower = -kInfinity;
#pragma omp simd reduction(max : highest_upper, highest_lower)
  for (std::int64_t j = 0; j < kLabelPanel; ++j) {
    const float middle = scale[j] * step * static_cast<float>(products[j] - sum) + bias[j];
    const float reach = error[j] * length + (norm[j] * rest + slack[j]);
    const float above = middle + reach;
    const float below = middle - reach;
    const float high = above == above ? above : kInfinity;  // NaN: anything may be
    upper[j] = high;
    highest_upper = high > highest_upper ? high : highest_upper;
    highest_lower = below > highest_lower ? below : highest_lower;
  }
  p.highest_upper[n] = highest_upper;
  p.highest_lower[n] = highest_lower;
}

BANTER_INLINE Panel panel_of(std::int64_t p, std::int64_t panels, std::int64_t N,
                             const LabelBytes& labels, const FeatureBytes& features, float* upper,
                             float* highest_upper, float* highest_lower) {
  return {.labels = labels,
          .features = features,
          .from = p * kLabelPanel,
          .stride = panels * kLabelPanel,
          .N = N,
          .bytes = labels.bytes + p * labels.quads * kLabelPanel * 4,
          .upper = upper,
          .highest_upper = highest_upper + p * N,
          .highest_lower = highest_lower + p * N};
}

void bounds_baseline(std::int64_t begin, std::int64_t end, std::int64_t panels, std::int64_t N,
                     const LabelBytes& labels, const FeatureBytes& features, float* upper,
                     float* highest_upper, float* highest_lower) {
  for (std::int64_t i = begin; i < end; ++i) {
    const auto panel =
        panel_of(i, panels, N, labels, features, upper, highest_upper, highest_lower);
    for (std::int64_t n = 0; n < N; ++n) {
      std::int32_t products[kLabelPanel] = {};
      for (std::int64_t q = 0; q < labels.quads; ++q) {
        const auto* w = panel.bytes + q * kLabelPanel * 4;
        const auto* h = features.bytes + (n * labels.quads + q) * 4;
        for (std::int64_t j = 0; j < kLabelPanel; ++j)
          products[j] +=
              w[4 * j] * h[0] + w[4 * j + 1] * h[1] + w[4 * j + 2] * h[2] + w[4 * j + 3] * h[3];
      }
      finish(panel, n, products);
    }
  }
}

/// Rows [n, n + R) times 16 labels of a panel at a time: a sum of a label has two lanes.
template <int R>
BANTER_AVX2 BANTER_INLINE void multiply_avx2(const Panel& p, std::int64_t n) {
  constexpr int kVectors = 4;  // of 4 labels
  const auto quads = p.labels.quads;
  std::int32_t products[R][kLabelPanel];
  for (std::int64_t from = 0; from < kLabelPanel; from += 16) {
    __m256i sum[R][kVectors];
    for (auto& row : sum)
      for (auto& one : row) one = _mm256_setzero_si256();
    for (std::int64_t q = 0; q < quads; ++q) {
      const auto* bytes = p.bytes + (q * kLabelPanel + from) * 4;
      __m256i w[kVectors];
      for (int c = 0; c < kVectors; ++c)
        w[c] = _mm256_cvtepu8_epi16(
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + std::ptrdiff_t{16} * c)));
      for (int r = 0; r < R; ++r) {
        std::int32_t four = 0;
        std::memcpy(&four, p.features.bytes + ((n + r) * quads + q) * 4, 4);
        const auto h = _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
        for (int c = 0; c < kVectors; ++c)
          sum[r][c] = _mm256_add_epi32(sum[r][c], _mm256_madd_epi16(w[c], h));
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < kVectors; c += 2)
        _mm256_storeu_si256(
            reinterpret_cast<__m256i*>(products[r] + from + 4 * c),
            _mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[r][c], sum[r][c + 1]), 0b11011000));
  }
  for (int r = 0; r < R; ++r) finish(p, n + r, products[r]);
}

BANTER_AVX2 void bounds_avx2(std::int64_t begin, std::int64_t end, std::int64_t panels,
                             std::int64_t N, const LabelBytes& labels, const FeatureBytes& features,
                             float* upper, float* highest_upper, float* highest_lower) {
  for (std::int64_t i = begin; i < end; ++i) {
    const auto panel =
        panel_of(i, panels, N, labels, features, upper, highest_upper, highest_lower);
    std::int64_t n = 0;
    for (; n + 2 <= N; n += 2) multiply_avx2<2>(panel, n);
    if (n < N) multiply_avx2<1>(panel, n);
  }
}

template <int R>
BANTER_VNNI BANTER_INLINE void multiply_vnni(const Panel& p, std::int64_t n) {
  constexpr int kVectors = 4;  // of 16 labels
  const auto quads = p.labels.quads;
  __m512i sum[R][kVectors];
  for (auto& row : sum)
    for (auto& one : row) one = _mm512_setzero_si512();
  for (std::int64_t q = 0; q < quads; ++q) {
    __m512i w[kVectors];
    for (int c = 0; c < kVectors; ++c) w[c] = _mm512_loadu_si512(p.bytes + (q * kVectors + c) * 64);
    for (int r = 0; r < R; ++r) {
      std::int32_t four = 0;
      std::memcpy(&four, p.features.bytes + ((n + r) * quads + q) * 4, 4);
      const auto h = _mm512_set1_epi32(four);
      for (int c = 0; c < kVectors; ++c) sum[r][c] = _mm512_dpbusd_epi32(sum[r][c], w[c], h);
    }
  }
  std::int32_t products[R][kLabelPanel];
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < kVectors; ++c) _mm512_storeu_si512(products[r] + 16 * c, sum[r][c]);
  for (int r = 0; r < R; ++r) finish(p, n + r, products[r]);
}

/// As many rows as there are, R at most.
template <int R>
BANTER_VNNI BANTER_INLINE void multiply_rest_vnni(const Panel& p, std::int64_t n) {
  if constexpr (R > 0) {
    if (p.N - n == R)
      multiply_vnni<R>(p, n);
    else
      multiply_rest_vnni<R - 1>(p, n);
  }
}

BANTER_VNNI void bounds_vnni(std::int64_t begin, std::int64_t end, std::int64_t panels,
                             std::int64_t N, const LabelBytes& labels, const FeatureBytes& features,
                             float* upper, float* highest_upper, float* highest_lower) {
  constexpr int kRows = 6;  // 24 sums of 32 registers
  for (std::int64_t i = begin; i < end; ++i) {
    const auto panel =
        panel_of(i, panels, N, labels, features, upper, highest_upper, highest_lower);
    std::int64_t n = 0;
    for (; n + kRows <= N; n += kRows) multiply_vnni<kRows>(panel, n);
    multiply_rest_vnni<kRows - 1>(panel, n);
  }
}

// ---- tables -------------------------------------------------------------------------------------

bool has_vnni() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

// AVX2 multiplies bytes no faster than floats: there is only less to read. The baseline is what the
// others are held to.
constexpr LabelBoundKernels kVnni = {"avx512_vnni", std::numeric_limits<std::int64_t>::max(),
                                     &features_vnni, &bounds_vnni};
constexpr LabelBoundKernels kAvx2 = {"avx2", 8, &features_avx2, &bounds_avx2};
constexpr LabelBoundKernels kBaseline = {"baseline", 0, &features_baseline, &bounds_baseline};

}  // namespace

const LabelBoundKernels* label_bound_kernels_named(const char* name) {
  if (std::strcmp(name, kVnni.name) == 0) return has_vnni() ? &kVnni : nullptr;
  if (std::strcmp(name, kAvx2.name) == 0) return has_avx2() ? &kAvx2 : nullptr;
  return std::strcmp(name, kBaseline.name) == 0 ? &kBaseline : nullptr;
}

const LabelBoundKernels& label_bound_kernels() {
  static const LabelBoundKernels& table = has_vnni() ? kVnni : has_avx2() ? kAvx2 : kBaseline;
  return table;
}

// ---- labels -------------------------------------------------------------------------------------

void pack_label_bytes(std::int64_t begin, std::int64_t end, std::int64_t V, std::int64_t K,
                      const float* weight, const float* bias, std::uint8_t* bytes, float* scale,
                      float* biases, float* error, float* norm, float* slack) {
  const auto quads = (K + 3) / 4;
  for (auto at = begin * kLabelPanel; at < end * kLabelPanel; ++at) {
    auto* to = bytes + (at / kLabelPanel * quads * kLabelPanel + at % kLabelPanel) * 4;
    for (std::int64_t q = 0; q < quads; ++q) std::memset(to + q * kLabelPanel * 4, 128, 4);
    scale[at] = error[at] = norm[at] = slack[at] = 0;
    biases[at] = -kInfinity;
    if (at >= V) continue;
    const float* row = weight + at * K;
    float most = 0;
    double squares = 0;
    for (std::int64_t k = 0; k < K; ++k) {
      most = std::fmax(most, std::fabs(row[k]));
      squares += double{row[k]} * row[k];
    }
    const float step = most / 127;
    double left = 0, kept = 0;
    if (most > kLeastScaled && std::isfinite(squares)) {
      for (std::int64_t k = 0; k < K; ++k) {
        const auto whole = std::nearbyint(row[k] / step);
        const auto value = double{step} * double{whole};
        left += (row[k] - value) * (row[k] - value);
        kept += value * value;
        to[(k / 4) * kLabelPanel * 4 + k % 4] =
            static_cast<std::uint8_t>(static_cast<int>(whole) + 128);
      }
    } else {
      left = squares;
    }
    const auto sums = 2 * static_cast<double>(K + 64) * kUnit * std::sqrt(squares);
    scale[at] = most > kLeastScaled ? step : 0;
    biases[at] = bias[at];
    error[at] = static_cast<float>(std::sqrt(left) * kRoundUp + sums);
    norm[at] = static_cast<float>(std::sqrt(kept) * kRoundUp);
    if (std::isfinite(bias[at]))  // and K products that were flushed
      slack[at] =
          static_cast<float>(8 * kUnit) * std::fabs(bias[at]) + static_cast<float>(K) * 2e-34F;
    if (!(error[at] < kInfinity) || !(norm[at] < kInfinity) || !(bias[at] < kInfinity)) {
      scale[at] = biases[at] = error[at] = norm[at] = 0;  // NaN and the like: it may be anything
      slack[at] = kInfinity;
    }
  }
}

}  // namespace banter::models
