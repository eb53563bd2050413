#pragma once

#include <functional>
#include <numeric>
#include <vector>

namespace banter::tests {

/// How fast `loss` grows when a number of `x`, which it reads, moves: central differences.
inline std::vector<double> slopes(std::vector<double>& x, const std::function<double()>& loss) {
  constexpr double kStep = 1e-6;
  std::vector<double> slope;
  for (auto& number : x) {
    const double at = number;
    number = at + kStep;
    const double above = loss();
    number = at - kStep;
    slope.push_back((above - loss()) / (2 * kStep));
    number = at;
  }
  return slope;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace banter::tests
