#pragma once

#include <string>
#include <vector>

#include "train/metrics/likelihoods/hits.h"

namespace banter::train {

/// Reads how some program scored candidates, as JSON Lines:
///
///     {"scores": [-3.1, -2.0, -9.7], "answer": 1, "candidates": ["no", "ho", "Ho!"],
///      "dialogue": "d1"}
///
/// The higher a score the better; `answer` is the true reply's place, from 0. With `candidates`
/// (as `banter export-data --to rankings` writes them) those that have the very words of the true
/// reply (`f1_words`) are left out. Lines of one `dialogue` are one group, a line without is its
/// own. Other keys are passed over.
///
/// Throws   FileError; DataError naming file, line and rule: no JSON object, scores that are no
///          finite numbers, another number of candidates, an answer that is none of them, no line
std::vector<Rank> read_rankings(const std::string& path);

}  // namespace banter::train
