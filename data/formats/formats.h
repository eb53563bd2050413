#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data/input/stream.h"
#include "data/problems.h"
#include "data/record.h"

namespace banter::data {

/// What bounds a reader, whatever a file claims. Read from `data`.
struct ReadLimits {
  std::int64_t max_line_bytes = 1 << 20;  ///< of a line or a record, >= 1
  std::int64_t max_turns = 10'000;        ///< of a dialogue, >= 2
  std::int64_t max_depth = 1'000;         ///< of nested JSON and XML, >= 4
  double max_pause = 2.0;  ///< seconds of silence between subtitles that end a dialogue, > 0
};

/// Takes what a reader finds, in the order of the file.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void record(Record&& record, const Place& place) = 0;
  virtual void problem(const Problem& problem) = 0;
};

/// What the records of a format are.
enum class Holds : std::uint8_t { kDialogues, kPairs };

/// Where the ids of a format are unique.
enum class Ids : std::uint8_t {
  kInFile,    ///< the corpus gives each record an id
  kInSource,  ///< a file is a dialogue, and its name the id
  kByName,    ///< in its source: made of a file's name and a running number; copies are counted
  kNone,      ///< it gives none: records are numbered
};

/// How much of a stream's beginning may decide what it is.
constexpr std::size_t kHeadBytes = std::size_t{1} << 15;

/// A form that corpora come in: one row of a table.
struct Format {
  std::string_view name;
  std::string_view about;  ///< for messages and help
  /// Why a stream that begins so is of this format, for people; "" = it is not.
  std::string_view (*recognises)(std::string_view head);
  /// Reads a stream to its end. A record with a fault is lost whole and told; nothing is guessed.
  /// Throws   DamagedInput when the rest of the stream cannot be trusted
  void (*read)(InputStream& stream, const ReadLimits& limits, Receiver& receiver);
  Holds holds;
  Ids ids;
  /// So plain that many a file looks like it: only believed of a source that is one file, or where
  /// the format is named.
  bool is_plain = false;
  /// Why a stream of this name is of this format, where none knows its content: a faulty beginning
  /// is to be told, not passed over. Nothing where names say nothing.
  std::string_view (*recognises_name)(std::string_view name) = nullptr;
};

std::span<const Format> formats();

/// Throws   DataError, lists the known names
const Format& format_named(std::string_view name);

/// A format and why a stream is taken for it.
struct Recognition {
  const Format* format = nullptr;  ///< nothing when no format is like it
  std::string_view why;
};

/// The first format that recognises what is in the stream, or else its name; plain ones are asked
/// where `alone`.
Recognition recognise(InputStream& stream, bool alone);

/// Leaves out of a turn's false replies what the turn itself says. Returns   whether there was any
bool drop_true_distractors(Turn& turn);
constexpr std::string_view kTrueDistractor = "a distractor is the true reply: it is left out";

constexpr std::string_view kBlankTurn = "a turn is blank";

/// Why a text cannot be kept, or "": not UTF-8, NUL inside, or blank, for which `when_blank` is the
/// rule, a literal that says what the text is.
std::string_view text_fault(std::string_view text, std::string_view when_blank = kBlankTurn);

/// The text without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text);

}  // namespace banter::data
