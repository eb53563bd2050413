#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/metrics/texts/measure.h"

namespace banter::train {

enum class PairedTest {
  kRandomisation,  ///< each group's replies swapped between the systems with probability 1/2
  kBootstrap,      ///< the same groups drawn anew for both
};
constexpr const char* name_of(PairedTest test) {
  return test == PairedTest::kRandomisation ? "randomisation" : "bootstrap";
}

/// How two systems differ in one metric.
struct Difference {
  double first = 0, second = 0;
  double difference = 0;  ///< first - second
  double p = 1;           ///< of a difference at least as large between systems that do not differ
  PairedTest test = PairedTest::kRandomisation;
};

/// Compares what was measured of two systems' replies to the same contexts, group by group.
///
/// Math     randomisation  p = (1 + #{|d*| >= |d|}) / (trials + 1)
///          bootstrap      p = (1 + #{|d*| - mean |d*| >= |d|}) / (trials + 1)
/// Metrics made of pieces are always tested by randomisation: a draw with repeats changes them.
/// Requires the same metrics, samples in the same order and one vocabulary of pieces.
/// Throws   Stopped when a signal came
/// Source   Noreen 1989; Riezler and Maxwell 2005, W05-0908; Koehn 2004, W04-3250; as sacrebleu;
///          differs: groups are swapped and drawn, not replies, and a tie counts against the
///          difference, so that equal systems have p = 1
std::vector<Difference> compare(const Measurement& first, const Measurement& second,
                                PairedTest test = PairedTest::kRandomisation,
                                std::size_t trials = 10'000, std::uint64_t seed = 12345);

/// Compares two systems that were trained several times each, run i of both with the same seed: the
/// mean over the runs of what they differ by, tested by randomisation with a group's replies
/// swapped in all runs together, since a dialogue is the same one in each.
///
/// Requires equally many of both, at least one, and of each pair what `compare` does.
/// Throws   Stopped when a signal came
std::vector<Difference> compare_runs(std::span<const Measurement> first,
                                     std::span<const Measurement> second,
                                     std::size_t trials = 10'000, std::uint64_t seed = 12345);

/// Whether a trial of the randomisation swaps a group.
bool is_swapped(std::uint64_t seed, std::size_t trial, std::size_t group);

}  // namespace banter::train
