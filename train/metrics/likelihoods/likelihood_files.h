#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "train/metrics/likelihoods/likelihood.h"

namespace banter::train {

/// How a model fits one reply of a split.
struct ReplyLikelihood {
  std::uint64_t dialogue = 0;  ///< number in the split
  std::uint32_t turn = 0;      ///< of it that is the reply
  std::uint64_t group = 0;     ///< number of the first dialogue of the same talk
  Likelihood sums;
};

/// Writes JSON Lines, one a reply, in the order of the split whatever order they were scored in:
///
///     {"dialogue": 0, "turn": 1, "nll": 31.5, "labels": 7, "correct": 2, "words": 5, "bytes": 24}
///
/// and `group` where that is another dialogue, `bound` where the model's scores are not exact.
/// Throws   FileError; DataError when a likelihood is no finite number
void write_likelihoods(const std::filesystem::path& file, std::vector<ReplyLikelihood> replies);

/// Reads them back. Throws   FileError; DataError naming file and line
std::vector<ReplyLikelihood> read_likelihoods(const std::filesystem::path& file);

/// The sums of each group, in the order of the split.
std::vector<Likelihood> by_group(std::span<const ReplyLikelihood> replies);

/// Whether two lists are about the same replies.
bool are_same_replies(std::span<const ReplyLikelihood> a, std::span<const ReplyLikelihood> b);

}  // namespace banter::train
