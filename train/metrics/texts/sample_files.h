#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "train/metrics/texts/sample.h"

namespace banter::train {

/// Files of which line N of each is about the same reply.
///
/// A file is JSON Lines when its first line that is not blank is an object with a key of these,
/// else plain text:
///
///     {"reply": "until six", "references": ["till six .", "six"], "context": ["open ?"],
///      "dialogue": "d1"}
///     {"text": "until six"}
///     {"reply": "i have a dog .", "persona": ["i love animals ."],
///      "judgements": {"judge": "nli:8c2f...", "labels": ["entailment"]}}
///
/// A turn of `context` (or `turns`) may also be an object with a `text`, and so may a reply.
/// `judgements`: how the reply stands to each sentence of `persona`. Other keys are passed over. In
/// plain text a line is a reply, a reference, the name of a group, or a context with tabs between
/// its turns.
struct SampleFiles {
  std::string replies;
  std::vector<std::string> references;  ///< several files: several references a reply
  std::string contexts, groups;         ///< "" = none
};

/// Reads them together. What a file of its own gives counts more than what stands with the reply.
/// Replies without a group each are one.
///
/// Throws   FileError; DataError naming file, line and rule: numbers of lines that differ, bad
///          UTF-8, a blank reference, a reply without references where others have some,
///          judgements of another number than the persona has sentences, or of no known label
std::vector<Sample> read_samples(const SampleFiles& files);

/// The same samples with the replies of another system, and how these were judged.
/// Throws   as above; DataError where both were judged, but not by one classifier
std::vector<Sample> with_replies(std::vector<Sample> samples, const std::string& file,
                                 const std::string& other_file);

/// Writes samples in that form, a line each; `dialogue` is the number of the group.
/// Throws   FileError
void write_samples(const std::filesystem::path& file, std::span<const Sample> samples);

}  // namespace banter::train
