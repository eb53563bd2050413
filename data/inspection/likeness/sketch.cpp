#include "data/inspection/likeness/sketch.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include <xxhash.h>

#include "base/random.h"
#include "base/utf8.h"
#include "data/cleaning/unicode_text.h"

namespace banter::data {
namespace {

constexpr std::uint64_t kSampleKey = 0x5A17;

/// The hash functions (a x + b) mod 2^64, of which the upper half counts.
/// Source   Dietzfelbinger et al. 1997, multiply-shift
struct Functions {
  std::array<std::uint64_t, Sketch::kHashes> a{}, b{};
};

constexpr Functions make_functions() {
  Functions functions;
  for (std::size_t i = 0; i < Sketch::kHashes; ++i) {
    functions.a[i] = base::mix64(2 * i) | 1;
    functions.b[i] = base::mix64(2 * i + 1);
  }
  return functions;
}
constexpr auto kFunctions = make_functions();

using Values = std::array<std::uint32_t, Sketch::kHashes>;

/// The smallest value of each function over the shingles.
Values smallest_values(const std::vector<std::uint64_t>& shingles) {
  Values smallest{};
  smallest.fill(std::numeric_limits<std::uint32_t>::max());
  for (const auto shingle : shingles)
    for (std::size_t i = 0; i < Sketch::kHashes; ++i) {
      const auto value = (kFunctions.a[i] * shingle + kFunctions.b[i]) >> 32;
      smallest[i] = std::min(smallest[i], static_cast<std::uint32_t>(value));
    }
  return smallest;
}

}  // namespace

std::size_t equal_values(const Sketch& a, const Sketch& b) {
  std::size_t equal = 0;
  for (std::size_t band = 0; band < Sketch::kBands; ++band) {
    auto difference = a.bands[band] ^ b.bands[band];
    for (std::size_t row = 0; row < Sketch::kRows; ++row, difference >>= 16)
      equal += (difference & 0xFFFF) == 0 ? 1 : 0;
  }
  return equal;
}

void Sketcher::find_shingles(const Dialogue& dialogue) {
  words_.clear();
  std::string small;
  for (const auto& turn : dialogue.turns) {
    small = turn.text;
    make_small(small);
    base::for_each_word(small, [&](std::string_view word) {
      words_.push_back(XXH3_64bits(word.data(), word.size()));
    });
  }
  shingles_.clear();
  const auto length = std::min(Sketch::kShingleWords, words_.size());
  for (std::size_t end = length; end <= words_.size() && length > 0; ++end) {
    std::uint64_t shingle = 0;
    for (auto word = end - length; word < end; ++word)
      shingle = base::join_keys(shingle, words_[word]);
    shingles_.push_back(shingle);
  }
}

Sketch Sketcher::sketch(const Dialogue& dialogue) {
  find_shingles(dialogue);
  const auto smallest = smallest_values(shingles_);
  auto smallest_draw = std::numeric_limits<std::uint64_t>::max();
  for (const auto shingle : shingles_)
    smallest_draw = std::min(smallest_draw, base::join_keys(kSampleKey, shingle));

  Sketch sketch;
  for (std::size_t i = 0; i < Sketch::kHashes; ++i)
    sketch.bands[i / Sketch::kRows] |= (base::mix64(smallest[i]) & 0xFFFF)
                                       << (16 * (i % Sketch::kRows));
  sketch.draw = base::mix64(smallest_draw) | 1;
  return sketch;
}

}  // namespace banter::data
