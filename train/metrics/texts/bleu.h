#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "train/metrics/texts/sample.h"

namespace banter::train {

/// What stands for the precision of an order without a match.
enum class Smoothing {
  kNone,   ///< nothing: the score is 0
  kFloor,  ///< a tenth of a match
  kAddK,   ///< one match and one n-gram more, from the second order on, always
  kExp,    ///< half a match at the first such order, a quarter at the second, ...
};
inline constexpr std::array kSmoothings = {"none", "floor", "add-k", "exp"};  ///< by number
/// The same as sacrebleu's signatures have them.
inline constexpr std::array kSmoothingSignatures = {"none", "floor[0.10]", "add-k[1.00]", "exp"};

/// Sums over replies from which BLEU is made.
struct BleuSums {
  static constexpr std::size_t kOrders = 4;
  static constexpr std::size_t kWidth = 2 + 2 * kOrders;

  double reply_words = 0;
  double reference_words = 0;  ///< of the reference whose length is nearest; of two, the shorter
  std::array<double, kOrders> matches{};  ///< each n-gram at most as often as in one reference
  std::array<double, kOrders> ngrams{};   ///< of the replies

  static BleuSums from(std::span<const double> sums);
  void add_to(std::span<double> sums) const;
};

/// Of one reply and its references, in words with their case.
BleuSums bleu_sums(const Text& reply, std::span<const Text> references);

/// BLEU with orders 1 to 4, in [0, 100].
///
/// Math     BP * exp(mean_n ln p_n);  p_n = matches_n / ngrams_n
///          BP = exp(1 - reference_words / reply_words) where the replies are shorter, else 1
/// `effective_order` takes the mean over the orders that have n-grams: what one sentence needs.
/// Source   Papineni et al. 2002; smoothing: Chen and Cherry 2014, W14-3346; the rest as sacrebleu
///          (Post 2018, arXiv:1804.08771)
double bleu(BleuSums sums, Smoothing smoothing, bool effective_order);

}  // namespace banter::train
