#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "train/metrics/texts/words.h"

namespace banter::train {

/// Length of the longest common subsequence.
/// Cost     O(|a| * |b| / 64)
/// Source   Hyyro 2004, "Bit-parallel LCS-length computation revisited"
std::size_t common_length(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b);

/// F1 of the longest common subsequence of words; 0 where either text has none. Words are runs of
/// a-z and 0-9 in small letters; where the reference has letters of another alphabet than the Latin
/// one, the words of 13a in small letters; with kCharacters characters in small letters. Both texts
/// must be valid UTF-8.
///
/// Math     2 P R / (P + R);  P = common / reply's words, R = common / reference's words
/// Source   Lin 2004, W04-1013; as Google's rouge-score without stemming; differs: other alphabets
double rouge_l(std::string_view reply, std::string_view reference,
               Tokenize tokenize = Tokenize::k13a);

}  // namespace banter::train
