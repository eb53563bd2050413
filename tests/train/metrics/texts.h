#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "train/metrics/texts/measure.h"
#include "train/metrics/texts/scores.h"

namespace banter::tests {

/// Samples with one reference each, every reply a group of its own.
inline std::vector<train::Sample> samples_of(const std::vector<std::string>& replies,
                                             const std::vector<std::string>& references) {
  std::vector<train::Sample> samples;
  for (std::size_t i = 0; i < replies.size(); ++i)
    samples.push_back(
        {.reply = replies[i], .references = {references.at(i)}, .context = {}, .group = i});
  return samples;
}

/// The example that every metric of models and papers is explained with.
inline std::vector<train::Sample> golden_samples() {
  return samples_of({"i am fine , thanks .", "the cat sat on the mat .", "no"},
                    {"i am fine thanks .", "the cat is on the mat .", "yes , please do ."});
}

/// The value of one metric.
inline double value_of(const std::string& name, const std::vector<train::Sample>& samples,
                       const train::MetricSettings& settings = {}) {
  train::PieceVocabulary vocabulary;
  const auto metrics = train::metrics_named(std::vector{name});
  return train::measure(samples, metrics, settings, vocabulary).values().at(0);
}

/// All metrics that need neither contexts nor vectors.
inline std::vector<const train::Metric*> plain_metrics(const std::vector<train::Sample>& samples) {
  std::vector<const train::Metric*> all;
  for (const auto& metric : train::known_metrics()) all.push_back(&metric);
  return train::possible_metrics(all, samples, false);
}

/// `count` pairs of made texts, the replies in groups of `group_size`.
std::vector<train::Sample> made_samples(std::size_t count, std::uint64_t seed,
                                        std::size_t group_size = 1);

}  // namespace banter::tests
