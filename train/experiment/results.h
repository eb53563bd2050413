#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/experiment/cell.h"
#include "train/experiment/cell_files.h"
#include "train/metrics/likelihoods/likelihood_files.h"
#include "train/metrics/pairs/pair_likelihoods.h"
#include "train/metrics/statistics/dialogue_sums.h"
#include "train/metrics/texts/sample.h"

namespace banter::train {

/// One validation of a training.
struct CurvePoint {
  std::int64_t step = 0;
  std::map<std::string, double> metrics;
};

/// How a run came about, as its log tells it.
struct RunFacts {
  std::string device;
  std::int64_t threads = 0, parameters = 0;
  std::int64_t steps = 0, labels = 0;
  std::string why;  ///< it stopped: steps, epochs, patience, minutes
  std::map<std::string, std::int64_t> learned_from =
      {};  ///< dialogues, replies, pairs: of an epoch
};

/// All that a finished cell left.
struct CellResult {
  const Cell* cell = nullptr;
  std::string version;      ///< of the program that trained it
  std::string measured_by;  ///< version of the program
  std::string store_hash;   ///< of all that it learned from (CellSources)
  RunFacts facts;
  base::json::object measured;  ///< the answer of the command that measures
  std::vector<CurvePoint> curve;
  std::vector<ReplyLikelihood> likelihoods;  ///< of every reply of the split
  DialogueSums sums;                         ///< of hits_K and perturb_T, or of a classifier
  PairLikelihoods pairs;                     ///< where pairs are measured
  std::vector<Sample> samples;               ///< the contexts that were answered
};

/// A cell that is not finished, or, as `done`, one whose files cannot be read.
struct OpenCell {
  const Cell* cell = nullptr;
  CellState state = CellState::kNew;
  std::string command{};  ///< that failed; "" when none did
  std::int64_t exit_code = 0;
  std::string log{};  ///< its last lines, or what cannot be read
};

/// What there is of a grid.
struct GridResults {
  std::vector<CellResult> finished;  ///< in the order of the cells
  std::vector<OpenCell> open;

  /// The finished cell of a row and a seed, null when it is open.
  [[nodiscard]] const CellResult* find(const std::string& row, std::int64_t seed) const;
};

/// Reads what the cells left.
GridResults read_results(const std::vector<Cell>& cells, const ExperimentOptions& options);

}  // namespace banter::train
