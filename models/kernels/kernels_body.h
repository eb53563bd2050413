// The loops of kernels.h, written once and compiled for each instruction set: included by
// kernels_avx512.cpp, kernels_avx2.cpp and kernels_baseline.cpp, which name the namespace
// (BANTER_ISA) and the vector width in bytes (BANTER_VECTOR_BYTES). Nothing here may come from an
// inline function of a library: the linker could take the AVX-512 copy for everybody.

#include <type_traits>

#include "models/kernels/kernels.h"

namespace banter::models::BANTER_ISA {

const Kernels<float>& float_table();
const Kernels<double>& double_table();

namespace {

#define BANTER_INLINE inline __attribute__((always_inline))

// ---- elementary functions -----------------------------------------------------------------

/// e^x to 2 ulp in float, without a branch, so that loops over it become vector code.
/// Source   Cody and Waite range reduction; the polynomial of Cephes expf (Moshier 1992)
BANTER_INLINE float exp_of(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504088896341F + kShift;
  const float n = shifted - kShift;
  float r = x - n * 0.693359375F;
  r = r + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const auto exponent = __builtin_bit_cast(std::uint32_t, shifted) << 23U;
  return __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, p) + exponent);
}
BANTER_INLINE double exp_of(double x) { return __builtin_exp(x); }

template <typename T>
BANTER_INLINE T sigmoid_of(T x) {
  return T(1) / (T(1) + exp_of(-x));
}
BANTER_INLINE float tanh_of(float x) { return 1.0F - 2.0F / (exp_of(2.0F * x) + 1.0F); }
BANTER_INLINE double tanh_of(double x) { return __builtin_tanh(x); }

// ---- gates ----------------------------------------------------------------------------------

template <typename T>
void gru_forward(std::int64_t n, std::int64_t H, const T* __restrict gi, const T* __restrict gh,
                 const T* __restrict h, T* __restrict next, T* __restrict saved) {
  for (std::int64_t row = 0; row < n; ++row) {
    const T* __restrict a = gi + row * 3 * H;
    const T* __restrict b = gh + row * 3 * H;
    const T* __restrict old = h + row * H;
    T* __restrict out = next + row * H;
    if (saved == nullptr) {
      for (std::int64_t j = 0; j < H; ++j) {
        const T r = sigmoid_of(a[j] + b[j]);
        const T z = sigmoid_of(a[H + j] + b[H + j]);
        const T c = tanh_of(a[2 * H + j] + r * b[2 * H + j]);
        out[j] = c + z * (old[j] - c);
      }
      continue;
    }
    T* __restrict keep = saved + row * 4 * H;
    for (std::int64_t j = 0; j < H; ++j) {
      const T r = sigmoid_of(a[j] + b[j]);
      const T z = sigmoid_of(a[H + j] + b[H + j]);
      const T c = tanh_of(a[2 * H + j] + r * b[2 * H + j]);
      out[j] = c + z * (old[j] - c);
      keep[j] = r;
      keep[H + j] = z;
      keep[2 * H + j] = c;
      keep[3 * H + j] = b[2 * H + j];
    }
  }
}

template <typename T>
void gru_backward(std::int64_t n, std::int64_t H, const T* __restrict d_next,
                  const T* __restrict saved, const T* __restrict h, T* __restrict d_gi,
                  T* __restrict d_gh, T* __restrict d_h) {
  for (std::int64_t row = 0; row < n; ++row) {
    const T* __restrict keep = saved + row * 4 * H;
    const T* __restrict d = d_next + row * H;
    const T* __restrict old = h + row * H;
    T* __restrict da = d_gi + row * 3 * H;
    T* __restrict db = d_gh + row * 3 * H;
    T* __restrict direct = d_h + row * H;
    for (std::int64_t j = 0; j < H; ++j) {
      const T r = keep[j];
      const T z = keep[H + j];
      const T c = keep[2 * H + j];
      const T dc = d[j] * (T(1) - z) * (T(1) - c * c);
      const T dz = d[j] * (old[j] - c) * z * (T(1) - z);
      const T dr = dc * keep[3 * H + j] * r * (T(1) - r);
      da[j] = dr;
      da[H + j] = dz;
      da[2 * H + j] = dc;
      db[j] = dr;
      db[H + j] = dz;
      db[2 * H + j] = dc * r;
      direct[j] = d[j] * z;
    }
  }
}

// ---- attention --------------------------------------------------------------------------------

template <typename T>
void additive_weights(std::int64_t begin, std::int64_t end, std::int64_t K,
                      const T* __restrict query, const T* __restrict keys, RowIndex index,
                      const T* __restrict v, T* __restrict weights) {
  const auto U = index.width;
  for (std::int64_t n = begin; n < end; ++n) {
    const T* __restrict q = query + n * K;
    const std::int64_t* rows = index.of(n);
    T* __restrict w = weights + n * U;
    bool any = false;
    T highest = 0;
    for (std::int64_t u = 0; u < U; ++u) {
      if (rows[u] < 0) continue;
      const T* __restrict key = keys + rows[u] * K;
      T score = 0;
#pragma omp simd reduction(+ : score)
      for (std::int64_t k = 0; k < K; ++k) score += v[k] * tanh_of(key[k] + q[k]);
      w[u] = score;
      highest = !any || score > highest ? score : highest;
      any = true;
    }
    T sum = 0;
    for (std::int64_t u = 0; u < U; ++u) {
      w[u] = rows[u] < 0 ? T(0) : exp_of(w[u] - highest);
      sum += w[u];
    }
    if (!any) continue;
    for (std::int64_t u = 0; u < U; ++u) w[u] /= sum;
  }
}

template <typename T>
void add_weighted_rows(std::int64_t begin, std::int64_t end, std::int64_t D,
                       const T* __restrict weights, const T* __restrict values, RowIndex index,
                       T* __restrict out) {
  const auto U = index.width;
  for (std::int64_t n = begin; n < end; ++n) {
    const std::int64_t* rows = index.of(n);
    T* __restrict sum = out + n * D;
    for (std::int64_t u = 0; u < U; ++u) {
      if (rows[u] < 0) continue;
      const T w = weights[n * U + u];
      const T* __restrict value = values + rows[u] * D;
      for (std::int64_t d = 0; d < D; ++d) sum[d] += w * value[d];
    }
  }
}

template <typename T>
void weighted_rows_d_weights(std::int64_t begin, std::int64_t end, std::int64_t D,
                             const T* __restrict d_out, const T* __restrict values, RowIndex index,
                             T* __restrict d_weights) {
  const auto U = index.width;
  for (std::int64_t n = begin; n < end; ++n) {
    const std::int64_t* rows = index.of(n);
    const T* __restrict d = d_out + n * D;
    for (std::int64_t u = 0; u < U; ++u) {
      if (rows[u] < 0) continue;
      const T* __restrict value = values + rows[u] * D;
      T dot = 0;
#pragma omp simd reduction(+ : dot)
      for (std::int64_t k = 0; k < D; ++k) dot += d[k] * value[k];
      d_weights[n * U + u] += dot;
    }
  }
}

template <typename T>
void weighted_rows_d_values(std::int64_t begin, std::int64_t end, std::int64_t n, std::int64_t D,
                            const T* __restrict weights, const T* __restrict d_out, RowIndex index,
                            T* __restrict d_values) {
  const auto U = index.width;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t* rows = index.of(i);
    const T* __restrict d = d_out + i * D;
    for (std::int64_t u = 0; u < U; ++u) {
      if (rows[u] < 0) continue;
      const T w = weights[i * U + u];
      T* __restrict to = d_values + rows[u] * D;
      for (std::int64_t k = begin; k < end; ++k) to[k] += w * d[k];
    }
  }
}

template <typename T>
void softmax_backward(std::int64_t begin, std::int64_t end, std::int64_t U,
                      const T* __restrict weights, const T* __restrict d_weights,
                      T* __restrict d_scores) {
  for (std::int64_t n = begin; n < end; ++n) {
    const T* __restrict w = weights + n * U;
    const T* __restrict d = d_weights + n * U;
    T mean = 0;
    for (std::int64_t u = 0; u < U; ++u) mean += w[u] * d[u];
    for (std::int64_t u = 0; u < U; ++u) d_scores[n * U + u] = w[u] * (d[u] - mean);
  }
}

template <typename T>
void additive_backward(std::int64_t begin, std::int64_t end, std::int64_t n, std::int64_t K,
                       const T* __restrict query, const T* __restrict keys, RowIndex index,
                       const T* __restrict v, const T* __restrict d_scores, T* __restrict d_query,
                       T* __restrict d_keys, T* __restrict d_v) {
  const auto U = index.width;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t* rows = index.of(i);
    const T* __restrict q = query + i * K;
    T* __restrict dq = d_query + i * K;
    for (std::int64_t k = begin; k < end; ++k) dq[k] = 0;
    for (std::int64_t u = 0; u < U; ++u) {
      if (rows[u] < 0) continue;
      const T d = d_scores[i * U + u];
      const T* __restrict key = keys + rows[u] * K;
      T* __restrict dk = d_keys + rows[u] * K;
      for (std::int64_t k = begin; k < end; ++k) {
        const T t = tanh_of(key[k] + q[k]);
        const T g = d * v[k] * (T(1) - t * t);
        dq[k] += g;
        dk[k] += g;
        d_v[k] += d * t;
      }
    }
  }
}

/// Softmax of the scores of one query's rows, in their place; false when there is no row.
template <typename T>
BANTER_INLINE bool softmax_of_rows(std::int64_t U, const std::int64_t* __restrict rows,
                                   T* __restrict scores) {
  bool any = false;
  T highest = 0;
  for (std::int64_t u = 0; u < U; ++u) {
    if (rows[u] < 0) continue;
    highest = !any || scores[u] > highest ? scores[u] : highest;
    any = true;
  }
  if (!any) return false;
  T sum = 0;
  for (std::int64_t u = 0; u < U; ++u) {
    scores[u] = rows[u] < 0 ? T(0) : exp_of(scores[u] - highest);
    sum += scores[u];
  }
  for (std::int64_t u = 0; u < U; ++u) scores[u] /= sum;
  return true;
}

template <typename T>
void dot_attention(std::int64_t begin, std::int64_t end, std::int64_t A, std::int64_t hd, T scale,
                   const T* __restrict query, const T* __restrict keys, const T* __restrict values,
                   RowIndex index, T* __restrict scores, T* __restrict weights, T* __restrict out) {
  const auto U = index.width, D = A * hd;
  const T share = T(1) / static_cast<T>(A);
  for (std::int64_t n = begin; n < end; ++n) {
    const std::int64_t* rows = index.of(n);
    T* __restrict w = scores + n * U;
    T* __restrict mean = weights + n * U;
    for (std::int64_t a = 0; a < A; ++a) {
      const T* __restrict q = query + n * D + a * hd;
      T* __restrict to = out + n * D + a * hd;
      for (std::int64_t u = 0; u < U; ++u) {
        w[u] = 0;
        if (rows[u] < 0) continue;
        const T* __restrict key = keys + rows[u] * D + a * hd;
        T dot = 0;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t k = 0; k < hd; ++k) dot += q[k] * key[k];
        w[u] = dot * scale;
      }
      if (!softmax_of_rows(U, rows, w)) break;
      for (std::int64_t u = 0; u < U; ++u) {
        if (rows[u] < 0) continue;
        mean[u] += share * w[u];
        const T* __restrict value = values + rows[u] * D + a * hd;
        for (std::int64_t k = 0; k < hd; ++k) to[k] += w[u] * value[k];
      }
    }
  }
}

// ---- dropout ------------------------------------------------------------------------------------

BANTER_INLINE std::uint32_t mixed(std::uint32_t x) {
  x = (x ^ (x >> 16U)) * 0x7FEB352DU;
  x = (x ^ (x >> 15U)) * 0x846CA68BU;
  return x ^ (x >> 16U);
}

template <typename T>
void drop(std::int64_t begin, std::int64_t end, std::uint64_t key, std::uint32_t threshold, T scale,
          const T* __restrict x, T* __restrict out) {
  const auto low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32U);
  for (std::int64_t i = begin; i < end; ++i) {
    const auto hash = mixed(mixed(static_cast<std::uint32_t>(i) ^ low) + high);
    out[i] = x[i] * (hash >= threshold ? scale : T(0));
  }
}

// ---- rows times a packed matrix ---------------------------------------------------------------

template <typename T>
struct Vector {
  typedef T type __attribute__((vector_size(BANTER_VECTOR_BYTES), aligned(alignof(T))));
  static constexpr std::int64_t kWidth = BANTER_VECTOR_BYTES / sizeof(T);
};

constexpr int kPanelVectors = 3;
constexpr int kTileRows = BANTER_VECTOR_BYTES == 64 ? 8 : 4;  // 24 or 12 sums of 32 or 16 registers
template <typename T>
constexpr std::int64_t kPanel = kPanelVectors* Vector<T>::kWidth;

template <typename T>
void pack(std::int64_t begin, std::int64_t end, std::int64_t O, std::int64_t K,
          const T* __restrict weight, std::int64_t row_stride, std::int64_t column_stride,
          T* __restrict packed) {
  for (std::int64_t p = begin; p < end; ++p) {
    const auto from = p * kPanel<T>;
    const auto columns = O - from < kPanel<T> ? O - from : kPanel<T>;
    T* __restrict panel = packed + from * K;
    for (std::int64_t k = 0; k < K; ++k) {
      const T* column = weight + from * row_stride + k * column_stride;
      T* __restrict to = panel + k * kPanel<T>;
      for (std::int64_t j = 0; j < columns; ++j) to[j] = column[j * row_stride];
      for (std::int64_t j = columns; j < kPanel<T>; ++j) to[j] = 0;
    }
  }
}

/// Rows of x times one panel. Rows of the next panel are fetched into the cache meanwhile, one
/// every `fetch_every` steps.
template <typename T>
struct Tile {
  std::int64_t K, O, columns, added_stride;
  const T *panel, *next;
  std::int64_t fetch_every;
  const T *x, *added;
  T* out;

  void pass(std::int64_t rows) {
    x += rows * K;
    out += rows * O;
    if (added != nullptr) added += rows * added_stride;
  }
};

/// R rows: a column is a lane, so that no sum crosses lanes.
template <typename T, int R, bool kFetches>
BANTER_INLINE void multiply(Tile<T>& t) {
  using V = typename Vector<T>::type;
  constexpr auto W = Vector<T>::kWidth;
  const auto K = t.K;
  const T* __restrict x = t.x, * __restrict panel = t.panel;
  V sum[R][kPanelVectors] = {};
  auto left = t.fetch_every;
  for (std::int64_t k = 0; k < K; ++k) {
    if (kFetches && --left == 0) {
      for (int c = 0; c < kPanelVectors; ++c) __builtin_prefetch(t.next + c * W, 0, 2);
      t.next += kPanel<T>;
      left = t.fetch_every;
    }
    V w[kPanelVectors];
    for (int c = 0; c < kPanelVectors; ++c)
      w[c] = *reinterpret_cast<const V*>(panel + k * kPanel<T> + c * W);
    for (int r = 0; r < R; ++r) {
      const T a = x[r * K + k];
      for (int c = 0; c < kPanelVectors; ++c) sum[r][c] += a * w[c];
    }
  }
  for (int r = 0; r < R; ++r) {
    T row[kPanel<T>];
    for (int c = 0; c < kPanelVectors; ++c) *reinterpret_cast<V*>(row + c * W) = sum[r][c];
    T* to = t.out + r * t.O;
    if (t.added == nullptr) {
      for (std::int64_t j = 0; j < t.columns; ++j) to[j] = row[j];
    } else {
      const T* add = t.added + r * t.added_stride;
      for (std::int64_t j = 0; j < t.columns; ++j) to[j] = row[j] + add[j];
    }
  }
  t.pass(R);
}

/// As many rows as there are, R at most.
template <typename T, int R>
BANTER_INLINE void multiply_rest(std::int64_t rows, Tile<T>& t) {
  if constexpr (R > 0) {
    if (rows == R)
      multiply<T, R, false>(t);
    else
      multiply_rest<T, R - 1>(rows, t);
  }
}

/// A panel is read once a tile: from memory by the first, from the cache by the others. So each of
/// several tiles fetches its share of the next panel meanwhile, or the first would wait for memory
/// and the others leave it idle. A single tile reads as fast as memory gives.
template <typename T>
void rows_times_packed(std::int64_t begin, std::int64_t end, std::int64_t N, std::int64_t K,
                       std::int64_t O, const T* x, const T* packed, const T* added,
                       std::int64_t added_stride, T* out) {
  const auto tiles = N / kTileRows;
  for (std::int64_t p = begin; p < end; ++p) {
    const auto from = p * kPanel<T>;
    const auto* panel = packed + from * K;
    Tile<T> tile{.K = K,
                 .O = O,
                 .columns = O - from < kPanel<T> ? O - from : kPanel<T>,
                 .added_stride = added_stride,
                 .panel = panel,
                 .next = p + 1 < end ? panel + kPanel<T> * K : panel,
                 .fetch_every = tiles,
                 .x = x,
                 .added = added == nullptr ? nullptr : added + from,
                 .out = out + from};
    if (tiles == 1) multiply<T, kTileRows, false>(tile);
    if (tiles > 1)
      for (std::int64_t i = 0; i < tiles; ++i) multiply<T, kTileRows, true>(tile);
    multiply_rest<T, kTileRows - 1>(N % kTileRows, tile);
  }
}

/// a b + c, rounded as in `multiply`: once where the instruction set has that. Said, for compilers
/// that take several of these together forget it.
template <typename T>
BANTER_INLINE T multiply_add(T a, T b, T c) {
#ifdef __FMA__
  if constexpr (sizeof(T) == sizeof(float))
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// Sums of several rows side by side, each in the order of a panel's.
template <typename T>
void row_times_some(std::int64_t count, std::int64_t K, const T* __restrict x,
                    const T* __restrict weight, const std::int64_t* rows, const T* added, T* out) {
  constexpr std::int64_t kSums = 8;
  for (std::int64_t from = 0; from < count; from += kSums) {
    const T* w[kSums];
    for (std::int64_t i = 0; i < kSums; ++i)
      w[i] = weight + rows[from + i < count ? from + i : from] * K;
    T sum[kSums] = {};
    for (std::int64_t k = 0; k < K; ++k)
      for (std::int64_t i = 0; i < kSums; ++i) sum[i] = multiply_add(x[k], w[i][k], sum[i]);
    for (std::int64_t i = 0; i < kSums && from + i < count; ++i)
      out[from + i] = sum[i] + added[rows[from + i]];
  }
}

// ---- cross entropy ----------------------------------------------------------------------------

BANTER_INLINE double log_of(double x) { return __builtin_log(x); }

/// Each lane's maximum stays what it was where a number is NaN, for none is greater than it.
template <typename T>
T highest(std::int64_t n, const T* __restrict x) {
  T most = -__builtin_inff();
#pragma omp simd reduction(max : most)
  for (std::int64_t i = 0; i < n; ++i) most = x[i] > most ? x[i] : most;
  return most;
}

template <typename T>
void softmax_nll(std::int64_t begin, std::int64_t end, std::int64_t V, T* __restrict logits,
                 const T* __restrict bias, const std::int64_t* __restrict labels, bool gradient,
                 T* __restrict nll, bool* __restrict correct) {
  for (std::int64_t p = begin; p < end; ++p) {
    T* __restrict row = logits + p * V;
    if (bias != nullptr)
      for (std::int64_t j = 0; j < V; ++j) row[j] += bias[j];
    const T most = highest<T>(V, row);
    const auto label = labels[p];
    const T wanted = row[label];
    bool first = wanted == most;
    for (std::int64_t j = 0; first && j < label; ++j) first = row[j] != most;
    correct[p] = first;

    double sum = 0;
    constexpr std::int64_t kBlock = 512;  // partial sums keep float rounding small over a large V
    for (std::int64_t from = 0; from < V; from += kBlock) {
      const std::int64_t to = from + kBlock < V ? from + kBlock : V;
      T part = 0;
      if (gradient) {  // NOLINT(bugprone-branch-clone): this one also writes
#pragma omp simd reduction(+ : part)
        for (std::int64_t j = from; j < to; ++j) {
          row[j] = exp_of(row[j] - most);
          part += row[j];
        }
      } else {
#pragma omp simd reduction(+ : part)
        for (std::int64_t j = from; j < to; ++j) part += exp_of(row[j] - most);
      }
      sum += static_cast<double>(part);
    }
    nll[p] = static_cast<T>(log_of(sum) - static_cast<double>(wanted - most));
    if (!gradient) continue;
    const T scale = static_cast<T>(1 / sum);
    for (std::int64_t j = 0; j < V; ++j) row[j] *= scale;
    row[label] -= T(1);
  }
}

template <typename T>
constexpr Kernels<T> kTable = {BANTER_ISA_NAME,
                               &gru_forward<T>,
                               &gru_backward<T>,
                               &additive_weights<T>,
                               &add_weighted_rows<T>,
                               &weighted_rows_d_weights<T>,
                               &weighted_rows_d_values<T>,
                               &softmax_backward<T>,
                               &additive_backward<T>,
                               &dot_attention<T>,
                               &drop<T>,
                               kPanel<T>,
                               &pack<T>,
                               &rows_times_packed<T>,
                               &row_times_some<T>,
                               &highest<T>,
                               &softmax_nll<T>};

}  // namespace

// Each instruction set's .cpp includes this file once, in a namespace of its own.
// NOLINTBEGIN(misc-definitions-in-headers)
const Kernels<float>& float_table() { return kTable<float>; }
const Kernels<double>& double_table() { return kTable<double>; }
// NOLINTEND(misc-definitions-in-headers)

}  // namespace banter::models::BANTER_ISA
