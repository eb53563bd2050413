#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "train/metrics/sample.h"

namespace banter::train {

/// Files of which line N of each is about the same reply.
///
/// A file is JSON Lines when its first line that is not blank is an object with a key of these,
/// else plain text:
///
///     {"reply": "until six", "references": ["till six .", "six"], "context": ["open ?"],
///      "dialogue": "d1"}
///     {"text": "until six"}
///
/// A turn of `context` (or `turns`) may also be an object with a `text`, and so may a reply. Other
/// keys are passed over. In plain text a line is a reply, a reference, the name of a group, or a
/// context with tabs between its turns.
struct SampleFiles {
  std::string replies;
  std::vector<std::string> references;  ///< several files: several references a reply
  std::string contexts, groups;         ///< "" = none
};

/// Reads them together. What a file of its own gives counts more than what stands with the reply.
/// Replies without a group each are one.
///
/// Throws   FileError; DataError naming file, line and rule: numbers of lines that differ, bad
///          UTF-8, a blank reference, a reply without references where others have some
std::vector<Sample> read_samples(const SampleFiles& files);

/// The same samples with the replies of another system. Throws   as above
std::vector<Sample> with_replies(std::vector<Sample> samples, const std::string& file,
                                 const std::string& other_file);

/// Writes samples in that form, a line each; `dialogue` is the number of the group.
/// Throws   FileError
void write_samples(const std::filesystem::path& file, std::span<const Sample> samples);

}  // namespace banter::train
