#include "train/metrics/texts/embeddings.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace banter::train {
namespace {

constexpr double kZero = 1e-11;  ///< norms below it are those of nothing

using Vector = std::vector<double>;

template <typename A, typename B>
double dot(const A& a, const B& b) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d)
    sum += static_cast<double>(a[d]) * static_cast<double>(b[d]);
  return sum;
}

std::optional<double> likeness(const Vector& reference, const Vector& reply) {
  const double norm = std::sqrt(dot(reference, reference));
  if (norm < kZero) return std::nullopt;
  const double other = std::sqrt(dot(reply, reply));
  return other < kZero ? 0 : dot(reference, reply) / (norm * other);
}

Vector sum_of(const TextVectors& words, std::size_t dimensions) {
  Vector sum(dimensions);
  for (const auto& word : words)
    for (std::size_t d = 0; d < dimensions; ++d) sum[d] += static_cast<double>(word[d]);
  return sum;
}

Vector extremes_of(const TextVectors& words, std::size_t dimensions) {
  Vector most(dimensions);
  if (words.empty()) return most;
  for (std::size_t d = 0; d < dimensions; ++d) {
    const auto at = [d](const std::span<const float>& word) { return word[d]; };
    const auto [low, high] = std::ranges::minmax(words, {}, at);
    most[d] = static_cast<double>(std::abs(low[d]) > high[d] ? low[d] : high[d]);
  }
  return most;
}

std::size_t dimensions_of(const TextVectors& words) { return words.empty() ? 0 : words[0].size(); }

Vector norms_of(const TextVectors& words) {
  Vector norms;
  for (const auto& word : words) norms.push_back(std::sqrt(dot(word, word)));
  return norms;
}

double mean(const Vector& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

TextVectors vectors_of(const Text& text, const Vocabulary& vocabulary, const WordVectors& vectors) {
  TextVectors found;
  for (const auto id : text.small)
    if (const auto vector = vectors.find(vocabulary.word(id)); !vector.empty())
      found.push_back(vector);
  return found;
}

std::optional<double> average_likeness(const TextVectors& reference, const TextVectors& reply) {
  const auto dimensions = dimensions_of(reference);
  return likeness(sum_of(reference, dimensions), sum_of(reply, dimensions));
}

std::optional<double> extrema_likeness(const TextVectors& reference, const TextVectors& reply) {
  const auto dimensions = dimensions_of(reference);
  return likeness(extremes_of(reference, dimensions), extremes_of(reply, dimensions));
}

double greedy_likeness(const TextVectors& reference, const TextVectors& reply, bool by_cosine) {
  if (reference.empty() || reply.empty()) return 0;
  Vector best_of_reference(reference.size()), best_of_reply(reply.size());
  const auto norms = norms_of(reference), others = norms_of(reply);
  for (std::size_t i = 0; i < reference.size(); ++i) {
    for (std::size_t j = 0; j < reply.size(); ++j) {
      double product = dot(reference[i], reply[j]);
      if (by_cosine) product = norms[i] * others[j] < kZero ? 0 : product / (norms[i] * others[j]);
      best_of_reference[i] = std::max(best_of_reference[i], product);
      best_of_reply[j] = std::max(best_of_reply[j], product);
    }
  }
  return (mean(best_of_reference) + mean(best_of_reply)) / 2;
}

}  // namespace banter::train
