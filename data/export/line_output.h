#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/errors.h"

namespace banter::data {

/// Whoever read standard output has closed it: no reason to go on, and no fault.
class OutputClosed : public base::FileError {
 public:
  OutputClosed() : FileError("standard output was closed by its reader") {}
};

enum class LineKind : std::uint8_t { kDialogue, kPair };

/// Where exported lines go.
class LineOutput {
 public:
  virtual ~LineOutput() = default;
  /// `line` is without its end. Throws   FileError, OutputClosed
  virtual void write(LineKind kind, std::string_view line) = 0;
  /// All was written. Once. Throws   FileError, OutputClosed
  virtual void finish() = 0;
};

/// All lines in their order, in pieces; what was given is written also where `finish` never comes.
std::unique_ptr<LineOutput> lines_to_standard_output();

/// A file that appears, or is replaced, when it is whole: written beside and renamed. Where lines
/// of both kinds come it holds the dialogues, and `file_of_pairs` the pairs; with `together` it
/// holds all lines in their order.
/// Throws   FileError when one of them is there and no plain file
std::unique_ptr<LineOutput> lines_to_file(const std::filesystem::path& path, bool together);

/// "talk.jsonl" -> "talk.pairs.jsonl".
std::filesystem::path file_of_pairs(const std::filesystem::path& path);

}  // namespace banter::data
