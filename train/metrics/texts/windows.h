#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace banter::train {

/// An n-gram as one number: its symbols from the highest bits down, 0 where there is none.
using Window = unsigned __int128;

/// All n-grams of a sequence, n = 1 .. kMost, as the sorted windows that begin at each place: an
/// n-gram is a prefix of a window, so that equal ones stand together whatever n is.
///
/// Symbols are above 0 and below 2^kBits.
/// Cost     O(length log length) once for all n
template <unsigned kBits, unsigned kMost>
class Windows {
  static_assert(kBits * kMost <= 128);

 public:
  template <typename Symbol>
  explicit Windows(std::span<const Symbol> symbols) : windows_(symbols.size()) {
    Window window = 0;
    for (std::size_t i = symbols.size(); i-- > 0;) {
      window = window >> kBits | Window{symbols[i]} << (kBits * (kMost - 1));
      windows_[i] = window;
    }
    std::ranges::sort(windows_);
  }

  /// How many n-grams there are.
  [[nodiscard]] std::size_t all(unsigned n) const {
    return windows_.size() < n ? 0 : windows_.size() - n + 1;
  }

  /// Gives `take` each different n-gram and how often it occurs, in rising order.
  template <typename Take>
  void for_each(unsigned n, const Take& take) const {
    const auto shift = kBits * (kMost - n);
    for (auto at = windows_.begin(); at != windows_.end();) {
      const auto ngram = *at >> shift;
      const auto begin = at;
      while (at != windows_.end() && *at >> shift == ngram) ++at;
      if (is_whole(ngram)) take(ngram, static_cast<std::size_t>(at - begin));
    }
  }

  [[nodiscard]] std::size_t count(Window ngram, unsigned n) const {
    const auto prefix = [shift = kBits * (kMost - n)](Window window) { return window >> shift; };
    const auto found = std::ranges::equal_range(windows_, ngram, {}, prefix);
    return static_cast<std::size_t>(std::ranges::size(found));
  }

 private:
  /// Whether its last symbol is one, and not the end of the sequence.
  static bool is_whole(Window ngram) { return (ngram & ((Window{1} << kBits) - 1)) != 0; }

  std::vector<Window> windows_;
};

using WordWindows = Windows<32, 4>;       ///< of words by number
using CharacterWindows = Windows<21, 6>;  ///< of code points, each raised by 1

}  // namespace banter::train
