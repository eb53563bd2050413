#pragma once

#include <cstdint>
#include <string>

#include "train/ranks/ranks.h"

namespace banter::train {

/// What a process is about to do, which all of a training must have in common.
struct Intent {
  std::string problem;  ///< why it cannot begin; "" = it can
  std::string program;  ///< hash of its file
  std::string torch;    ///< hash of how its LibTorch was built and uses the processor
  std::string config;   ///< the effective recipe
  std::string store;    ///< hash of the recipe's store
  std::string beside;   ///< hash of those of `mix` and `pairs.store`; "" = there are none
  std::string device;   ///< kind of it
  std::string cpu;      ///< whose instructions are used: they decide the last digits
  std::int64_t threads = 0;
};

/// Hash of this program's file.
std::string program_hash();

/// What process 0 has, everywhere.
std::string told_by_first(Ranks& ranks, std::string text);

/// The first of the processes' faults that is not "", at each of them, with that process' name.
std::string first_fault(Ranks& ranks, const std::string& own);

/// Whether all processes can begin and are about to do the same, at each of them: what is wrong, as
/// one sentence that names the process and the difference, or "". Keys of the recipe may differ
/// that may change when a run goes on (`RunFolder::expect_same_config`).
std::string disagreement(Ranks& ranks, const Intent& own);

}  // namespace banter::train
