#pragma once

#include <limits>

namespace banter::train {

/// Sums over sentence pairs that were classified; sums of sums are sums.
struct PairFit {
  double nll = 0;      ///< nats, of the labels
  double correct = 0;  ///< pairs whose label is the arg max
  double pairs = 0;

  PairFit& operator+=(const PairFit& other) {
    nll += other.nll;
    correct += other.correct;
    pairs += other.pairs;
    return *this;
  }

  // NaN of no pairs.
  [[nodiscard]] double accuracy() const { return mean(correct); }
  [[nodiscard]] double loss() const { return mean(nll); }  ///< nats a pair

 private:
  [[nodiscard]] double mean(double sum) const {
    return pairs == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / pairs;
  }
};

}  // namespace banter::train
