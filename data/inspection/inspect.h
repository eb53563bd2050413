#pragma once

#include <filesystem>
#include <string>

#include "data/inspection/pair_statistics.h"
#include "data/inspection/statistics.h"
#include "data/preparation/corpus.h"
#include "data/problems.h"

namespace banter::data {

/// What is in a corpus.
struct CorpusInspection {
  CorpusSummary summary;
  Problems problems;
  CorpusStatistics statistics;
  PairStatistics pairs;
  std::string damage;  ///< why the figures are not the whole corpus's; "" = they are
};

/// Reads a corpus as `prepare` would under the default cleaning, but bears every fault.
/// `source.path` may be `-`, which is copied into `scratch`.
/// Throws   FileError, DataError when there is nothing that could be read
CorpusInspection inspect_corpus(const SourceOptions& source, const ReadLimits& limits,
                                const std::filesystem::path& scratch, bool quiet);

}  // namespace banter::data
