#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data/dialogue.h"
#include "data/input/stream.h"
#include "data/problems.h"

namespace banter::data {

/// What bounds a reader, whatever a file claims. Read from `data`.
struct ReadLimits {
  std::int64_t max_line_bytes = 1 << 20;  ///< of a line or a record, >= 1
  std::int64_t max_turns = 10'000;        ///< of a dialogue, >= 2
  std::int64_t max_depth = 1'000;         ///< of nested JSON, >= 4
};

/// Takes what a reader finds, in the order of the file.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void record(Dialogue&& dialogue, const Place& place) = 0;
  virtual void problem(const Problem& problem) = 0;
};

/// A form that corpora come in: one row of a table.
struct Format {
  std::string_view name;
  std::string_view about;  ///< for messages and help
  /// Whether a stream that begins so is of this format.
  bool (*recognises)(std::string_view head, std::string_view name);
  /// Reads a stream to its end. A record with a fault is lost whole and told; nothing is guessed.
  /// Throws   DamagedInput when the rest of the stream cannot be trusted
  void (*read)(InputStream& stream, const ReadLimits& limits, Receiver& receiver);
  bool one_file_one_dialogue;  ///< then ids are unique in the source, not just in their file
};

std::span<const Format> formats();

/// Throws   DataError, lists the known names
const Format& format_named(std::string_view name);

/// The first format that recognises the stream, or nothing.
const Format* recognised(InputStream& stream);

/// Why a turn or a fact cannot be kept, or "": not UTF-8, NUL inside, blank.
std::string_view text_fault(std::string_view text);

}  // namespace banter::data
