#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "data/inspection/pair_statistics.h"
#include "data/inspection/statistics.h"
#include "data/problems.h"
#include "data/reading/corpus.h"

namespace banter::data {

/// What is in a corpus.
struct CorpusInspection {
  CorpusSummary summary;
  Problems problems;
  CorpusStatistics statistics;
  PairStatistics pairs;
  std::string damage;  ///< why the figures are not the whole corpus's; "" = they are

  /// How often the rule "a turn is blank" was broken: by the first such turn of a record, which is
  /// lost. (What stands between two marks of a format is told by a rule of its own.)
  [[nodiscard]] std::uint64_t records_with_a_blank_turn() const;
};

/// Reads a corpus as `prepare` would under the default cleaning, but bears every fault.
/// `source.path` may be `-`, which is copied into the folder of `keys`, as all temporary files are;
/// `examples` are shown of its dialogues.
/// Throws   FileError, DataError when there is nothing that could be read
CorpusInspection inspect_corpus(const SourceOptions& source, const ReadLimits& limits,
                                const std::shared_ptr<KeyFile>& keys, std::size_t examples,
                                bool quiet);

}  // namespace banter::data
