#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "train/metrics/texts/bleu.h"
#include "train/metrics/texts/pieces.h"
#include "train/metrics/texts/sample.h"
#include "train/metrics/texts/word_vectors.h"

namespace banter::train {

/// What a metric reads beside the replies.
enum class Need {
  kNothing,
  kReferences,
  kContexts,
  kVectors,     ///< and references
  kJudgements,  ///< of replies by sentences of a persona
};

/// What is set for all metrics of a measurement.
struct MetricSettings {
  Smoothing smoothing = Smoothing::kExp;  ///< of BLEU
  Tokenize tokenize = Tokenize::k13a;     ///< what words are, for all but chrF
  const WordVectors* vectors = nullptr;   ///< null where no metric needs them
};

/// A metric made of sums over replies: each reply adds `width` numbers, and the value is a function
/// of their sums, so that any draw of replies has its value at the price of adding up.
struct BySums {
  std::size_t width = 2;
  void (*add)(const ReadSample& sample, const MetricSettings& settings, std::span<double> sums);
  /// NaN where nothing was counted.
  double (*value)(std::span<const double> sums, const MetricSettings& settings);
  /// How many replies its value is made of; null = all.
  double (*counted)(std::span<const double> sums) = nullptr;
};

/// A metric made of how often each piece stands in all replies together. With more than one order
/// it is the mean over them.
struct ByPieces {
  static constexpr unsigned kWholeReply = 0;
  unsigned first = 1, last = 1;  ///< orders of n-grams; kWholeReply: the replies themselves
  PieceWeight weight = nullptr;
  double (*value)(const PieceSums& sums) = nullptr;  ///< of one order
};

/// A row of the table of metrics.
struct Metric {
  std::string_view name;
  std::string_view what;  ///< one line for a person
  std::string_view unit;  ///< and range
  int digits;             ///< behind the point, in tables
  Need need;
  std::string_view signature;  ///< how words are read and what was chosen; what stands in {} is
                               ///< filled in
  std::variant<BySums, ByPieces> how;
};

/// All metrics of texts, in the order of tables. A new one is a row of it.
std::span<const Metric> known_metrics();

/// Whether a name is that of a metric, or of all metrics of a kind.
bool stands_for_a_metric(std::string_view name);

/// The metrics of names, in the order of the table, each once; a name in front of an underscore
/// stands for all of its kind (`repeat`: repeat_1, repeat_2, ...).
/// Throws   UsageError that lists the known names
std::vector<const Metric*> metrics_named(std::span<const std::string> names);

}  // namespace banter::train
