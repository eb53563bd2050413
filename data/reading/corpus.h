#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "data/cleaning/cleaning.h"
#include "data/cleaning/copies.h"
#include "data/options.h"
#include "data/problems.h"
#include "data/reading/record_filter.h"
#include "data/scratch/seen_keys.h"
#include "data/store/shard.h"

namespace banter::data {

/// What reading a source came to.
struct CorpusSummary {
  std::string format;             ///< of its first stream that has one, "" = none
  std::string why;                ///< that stream was taken for it, for people
  std::string split;              ///< of the record being given, in the store it comes from
  std::uint64_t streams = 0;      ///< files and members that were opened
  std::uint64_t passed_over = 0;  ///< of them: of no known, or not the wanted, format
};

/// Reads the records of corpora: opens, recognises, reads, cleans, and leaves out what gives no
/// reply, repeats an id or is an unwanted copy. The files of a folder or pattern are read and
/// parsed side by side (see ReadAhead); two runs over the same files give the same records in the
/// same order.
class CorpusReader {
 public:
  /// `scratch` takes temporary files; `problems` must outlive the reader.
  CorpusReader(const CleaningOptions& cleaning, const ReadLimits& limits,
               const std::filesystem::path& scratch, Problems& problems);

  /// `bytes` is told how many more bytes of the files were read. `file` is where the bytes are,
  /// `source.path` what messages call it (they differ for standard input).
  /// Of a folder or pattern only the files that are in `files` are opened.
  /// Throws   FileError, DamagedInput; DataError when there are files and none has a known format,
  ///          or more problems than borne; Stopped
  void read(const SourceOptions& source, const RecordSink& sink,
            const std::function<void(std::uint64_t)>& bytes, const std::filesystem::path& file,
            const Shard& files = {});

  /// Of the source read last; when `read` threw, of what came before.
  [[nodiscard]] const CorpusSummary& summary() const { return summary_; }

 private:
  [[nodiscard]] RecordFilter filter(const Place& stream, Ids ids, const std::string& scope,
                                    const RecordSink& sink);
  void read_store(const std::filesystem::path& folder, const RecordSink& sink,
                  const std::function<void(std::uint64_t)>& bytes);

  Cleaner cleaner_;
  ReadLimits limits_;
  Problems& problems_;
  SeenKeys seen_;
  std::optional<Copies> duplicates_;  ///< of all sources; where copies are left out
  CorpusSummary summary_;
  std::uint64_t sources_ = 0;
};

/// All formats with what they are, for messages.
std::string known_formats();

}  // namespace banter::data
