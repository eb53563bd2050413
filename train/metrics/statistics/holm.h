#pragma once

#include <span>
#include <vector>

namespace banter::train {

/// The p values of several tests, each raised so that the chance of a single false one among all of
/// them stays what it would be in one test (step-down).
///
/// Math     sorted p_1 <= ... <= p_m: p'_i = max_{j <= i} min(1, (m - j + 1) p_j)
/// Returns  them in the order given; never below what was given
/// Source   Holm 1979, "A simple sequentially rejective multiple test procedure"
std::vector<double> holm(std::span<const double> p);

}  // namespace banter::train
