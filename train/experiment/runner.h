#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "train/experiment/cell.h"
#include "train/experiment/cell_files.h"

namespace banter::train {

/// How much may run, and for how long.
struct RunLimits {
  std::int64_t jobs = 1;  ///< cells side by side, >= 1
  double minutes = 0;     ///< then running ones are asked to save and stop; 0 = no limit
  bool quiet = false;
};

/// How running a grid ended.
struct RunOutcome {
  std::size_t done = 0, failed = 0, left = 0;  ///< cells
  int signal = 0;                              ///< that asked to stop, 0 = none
};

/// How far each cell is, by the files that are there; nothing is changed.
std::vector<CellState> states_of(const std::vector<Cell>& cells);

/// The same, counted: a cell that failed when it was last run is no more than that until it is run
/// again.
RunOutcome outcome_of(const std::vector<Cell>& cells);

/// Runs the cells that are not done, in order, each as child processes of this program (prepare,
/// train, then what measures), several side by side. A cell that fails is noted, and the others go
/// on. A store that several cells share is prepared once.
///
/// What is there already is used, so a call that was stopped or killed is gone on with by the same
/// call; processes that a killed one left behind are waited for.
/// SIGINT, SIGTERM and the end of the time are passed on, and children that save are waited for.
/// Throws   FileError
RunOutcome run_cells(const std::vector<Cell>& cells, const ExperimentOptions& options,
                     const RunLimits& limits);

}  // namespace banter::train
