#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "data/export/line_output.h"
#include "data/record.h"
#include "data/scratch/seen_keys.h"

namespace banter::data {

/// Which lines are made of records.
enum class ExportForm : std::uint8_t {
  kEither,     ///< dialogues, or pairs; both where they go to files of their own
  kDialogues,  ///< pairs are passed over
  kPairs,      ///< dialogues are passed over
  kRankings,   ///< a line for each turn with distractors
  kAll,        ///< dialogues and pairs among each other
};

/// What an export came to.
struct ExportCounts {
  std::uint64_t dialogues = 0, pairs = 0, rankings = 0;  ///< lines
  std::uint64_t renamed = 0;     ///< of them: with another id than their record's
  std::uint64_t long_lines = 0;  ///< longer than readers take by default
};

/// Makes lines of records, each kind in the form that its reader reads.
///
/// Ids stay, but for those that an earlier line of the kind has, which would be lost when they are
/// read: the record's is then `ID+N`, N the number of the line among those of its kind, or the next
/// that is free.
class Exporter {
 public:
  /// `one_kind`: only dialogues or only pairs may come. `scratch` takes temporary files, and
  /// `output` must outlive this.
  Exporter(ExportForm form, bool one_kind, const std::filesystem::path& scratch,
           LineOutput& output);

  /// Throws   DataError when a record has no such form; UsageError when it is of a second kind and
  ///          one is allowed; Stopped; FileError
  void add(Record&& record);

  [[nodiscard]] const ExportCounts& counts() const { return counts_; }

 private:
  void add_one(Dialogue&& dialogue);
  void add_one(Pair&& pair);
  void add_rankings(const Dialogue& dialogue);
  void keep_unique(std::string& id, LineKind kind, std::uint64_t number);
  void write(LineKind kind, const std::string& line);

  ExportForm form_;
  bool one_kind_;
  SeenKeys seen_;
  LineOutput& output_;
  ExportCounts counts_;
};

/// What to say to who wants both kinds in one stream.
[[noreturn]] void refuse_two_kinds();

}  // namespace banter::data
