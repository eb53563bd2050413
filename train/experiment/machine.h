#pragma once

#include <string>

namespace banter::train {

/// What runs were made on.
struct Machine {
  std::string cpu;     ///< its model, "" when nobody says
  unsigned cores = 0;  ///< that programs see
};

/// Source   /proc/cpuinfo (Linux)
Machine this_machine();

}  // namespace banter::train
