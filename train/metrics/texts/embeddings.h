#pragma once

#include <optional>
#include <span>
#include <vector>

#include "train/metrics/texts/sample.h"
#include "train/metrics/texts/word_vectors.h"

/// How alike a reply is to a reference by the vectors of their words. Words without a vector are
/// dropped; a word that occurs twice counts twice. The two sides are not exchangeable: where a
/// reference knows no word the pair says nothing, where a reply does the likeness is 0.
///
/// Source   Liu et al. 2016, arXiv:1603.08023; Serban et al. 2017, arXiv:1605.06069; edges as in
///          their released script
namespace banter::train {

using TextVectors = std::vector<std::span<const float>>;  ///< of the words that have one

TextVectors vectors_of(const Text& text, const Vocabulary& vocabulary, const WordVectors& vectors);

/// The cosine of the sums of both sides' vectors. Nothing where the reference's sum is zero.
std::optional<double> average_likeness(const TextVectors& reference, const TextVectors& reply);

/// The cosine of both sides' extremes: of each dimension the value furthest from zero, of two the
/// positive one. Nothing where the reference's are zero.
std::optional<double> extrema_likeness(const TextVectors& reference, const TextVectors& reply);

/// Every word with the one on the other side that suits it best, both ways; 0 where a side is
/// empty.
///
/// Math     (G(r,g) + G(g,r)) / 2;  G(a,b) = mean_{w in a} max(0, max_{w' in b} v_w . v_w')
/// By dot products, so that it may exceed 1, or by cosines.
double greedy_likeness(const TextVectors& reference, const TextVectors& reply, bool by_cosine);

}  // namespace banter::train
