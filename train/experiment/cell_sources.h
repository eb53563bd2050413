#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/experiment/cell.h"

namespace banter::train {

/// Hashes of what cells learn from, as it is when it is first asked for.
class CellSources {
 public:
  /// Names the cell's store (all stores of its mix) and the checkpoint that it starts from: a cell
  /// is trained anew when this changes. "" where one of them is not there or cannot be read.
  const std::string& hash_of(const Cell& cell);

 private:
  std::map<std::vector<std::string>, std::string> known_;  ///< by what the recipe names
};

}  // namespace banter::train
