#pragma once

#include <cstdint>

/// The inner loops that LibTorch has no fused form of, on plain pointers, for float and double.
///
/// Compiled three times (AVX-512, AVX2 with FMA, baseline); `kernels<T>()` chooses once by what the
/// CPU can do, so one binary runs everywhere. No torch, no threads: a function works on the range
/// it is given, callers split rows or columns among threads. What a row gets never depends on the
/// other rows nor on how the range was split, so a reply is the same in any company.
///
/// Matrices are row-major and dense unless a stride is given.
namespace banter::models {

/// Rows of a memory that each query may look at: place u of query n is row `index[n * width + u]`,
/// negative = none.
struct RowIndex {
  const std::int64_t* rows = nullptr;
  std::int64_t width = 0;  ///< U

  [[nodiscard]] __attribute__((always_inline)) const std::int64_t* of(std::int64_t n) const {
    return rows + n * width;
  }
};

template <typename T>
struct Kernels {
  const char* name;  ///< "avx512", "avx2", "baseline"

  /// GRU gates of rows [0, n):  r, z = sig(gi + gh);  c = tanh(gi_n + r * gh_n);
  /// h' = (1 - z) * c + z * h.
  /// Shapes   gi, gh (n,3H) gate order r|z|n, biases inside; h, next (n,H);
  ///          saved (n,4H) = r|z|c|gh_n for `gru_backward`, or null
  void (*gru_forward)(std::int64_t n, std::int64_t H, const T* gi, const T* gh, const T* h, T* next,
                      T* saved);

  /// The way back: from d loss / d h' to the gates' gradients.
  /// Shapes   d_next (n,H); d_gi, d_gh (n,3H) out; d_h (n,H) out: the direct part z * d_next only,
  ///          the caller adds d_gh W_hh
  void (*gru_backward)(std::int64_t n, std::int64_t H, const T* d_next, const T* saved, const T* h,
                       T* d_gi, T* d_gh, T* d_h);

  /// Additive attention of queries [begin, end):  e_u = v . tanh(key_u + q),  weights = softmax_u.
  /// Shapes   query (N,K), keys (R,K), v (K), weights (N,U) out: exactly 0 where there is no row,
  ///          and a query without any row gets zeros
  void (*additive_weights)(std::int64_t begin, std::int64_t end, std::int64_t K, const T* query,
                           const T* keys, RowIndex index, const T* v, T* weights);

  /// out_n += sum_u weights_nu * values_row(n,u), for n in [begin, end).
  /// Shapes   weights (N,U), values (R,D), out (N,D)
  void (*add_weighted_rows)(std::int64_t begin, std::int64_t end, std::int64_t D, const T* weights,
                            const T* values, RowIndex index, T* out);

  /// d_weights_nu += d_out_n . values_row(n,u), for n in [begin, end).
  void (*weighted_rows_d_weights)(std::int64_t begin, std::int64_t end, std::int64_t D,
                                  const T* d_out, const T* values, RowIndex index, T* d_weights);

  /// d_values_row(n,u) += weights_nu * d_out_n, columns [begin, end) of D only, all n queries (so
  /// that threads which share columns never share a cell).
  void (*weighted_rows_d_values)(std::int64_t begin, std::int64_t end, std::int64_t n,
                                 std::int64_t D, const T* weights, const T* d_out, RowIndex index,
                                 T* d_values);

  /// d_scores = weights * (d_weights - sum_u weights * d_weights), for queries [begin, end).
  void (*softmax_backward)(std::int64_t begin, std::int64_t end, std::int64_t U, const T* weights,
                           const T* d_weights, T* d_scores);

  /// From d_scores to query, keys and v, columns [begin, end) of K, all n queries; tanh is made
  /// again rather than kept.
  /// Shapes   d_query (N,K) is overwritten; d_keys (R,K), d_v (K) are added to
  void (*additive_backward)(std::int64_t begin, std::int64_t end, std::int64_t n, std::int64_t K,
                            const T* query, const T* keys, RowIndex index, const T* v,
                            const T* d_scores, T* d_query, T* d_keys, T* d_v);

  /// Scaled dot-product attention of queries [begin, end), each of A heads by itself:
  /// e_u = scale * key_u . q,  w = softmax_u,  out = sum_u w_u value_u.
  /// Shapes   query, out (N,A*hd), keys, values (R,A*hd); scores (N,U) is scratch; weights (N,U):
  ///          the heads' mean is added, nothing where there is no row; out is added to, and
  ///          nothing for a query without any row
  void (*dot_attention)(std::int64_t begin, std::int64_t end, std::int64_t A, std::int64_t hd,
                        T scale, const T* query, const T* keys, const T* values, RowIndex index,
                        T* scores, T* weights, T* out);

  /// Dropout of the elements [begin, end) of a tensor: out_i = x_i scale where the hash of (key, i)
  /// is `threshold` or more, else x_i 0. Below 2^32 elements.
  /// Math     hash: two rounds of a bijection of 32 bits with half the key before each
  /// Source   the bijection: lowbias32 of Wellons 2018, "Prospecting for Hash Functions"
  void (*drop)(std::int64_t begin, std::int64_t end, std::uint64_t key, std::uint32_t threshold,
               T scale, const T* x, T* out);

  /// Columns of a packed matrix that lie side by side: W (O,K) is kept as ceil(O / panel) panels
  /// (K,panel), the last one filled with zeros.
  std::int64_t panel;

  /// Panels [begin, end).
  /// Shapes   weight (O,K) with strides from row to row and from column to column, packed
  ///          (ceil(O / panel) * K * panel) out
  void (*pack)(std::int64_t begin, std::int64_t end, std::int64_t O, std::int64_t K,
               const T* weight, std::int64_t row_stride, std::int64_t column_stride, T* packed);

  /// out = added + x W^T for panels [begin, end). A cell's sum runs over k from 0 to K - 1,
  /// whatever N.
  /// Shapes   x (N,K), packed as `pack` leaves it, out (N,O); added (N,O) with a stride from row to
  ///          row, which is 0 where all rows get the same (O), or null; it may be `out`
  void (*rows_times_packed)(std::int64_t begin, std::int64_t end, std::int64_t N, std::int64_t K,
                            std::int64_t O, const T* x, const T* packed, const T* added,
                            std::int64_t added_stride, T* out);

  /// The cells of rows_times_packed that a row x (K) has with `count` rows of W (O,K), bit for bit.
  /// Shapes   rows (count) of W, added (O); out (count)
  void (*row_times_some)(std::int64_t count, std::int64_t K, const T* x, const T* weight,
                         const std::int64_t* rows, const T* added, T* out);

  /// The highest of n numbers, NaN passed over; minus infinity when there is nothing else.
  T (*highest)(std::int64_t n, const T* x);

  /// Cross entropy of rows [begin, end), and its gradient in the logits' own place.
  /// Shapes   logits (P,V) in; a bias (V) that is not null is added to them; when `gradient`, out:
  ///          softmax - one_hot(label); labels (P); nll (P) out: -log softmax[label], nats;
  ///          correct (P) out: label is the first arg max
  void (*softmax_nll)(std::int64_t begin, std::int64_t end, std::int64_t V, T* logits,
                      const T* bias, const std::int64_t* labels, bool gradient, T* nll,
                      bool* correct);
};

/// The best table this CPU can run. T is float or double. Any thread.
template <typename T>
const Kernels<T>& kernels();

/// One of the tables by name, for tests and benchmarks; null when this CPU cannot run it.
template <typename T>
const Kernels<T>* kernels_named(const char* name);

}  // namespace banter::models
