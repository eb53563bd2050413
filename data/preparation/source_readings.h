#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/preparation/inputs.h"
#include "data/preparation/prepare.h"
#include "data/problems.h"
#include "data/record.h"
#include "data/store/shard.h"

namespace banter::data {

/// What all readings of the sources need.
struct Work {
  const PrepareRequest& request;
  const Inputs& inputs;
  std::filesystem::path scratch;
};

/// What one reading of all sources came to.
struct Reading {
  std::map<std::string, std::uint64_t> counts;  ///< split -> records; sorted: train first
  std::vector<std::string> formats;             ///< of each source
  double lowest_draw = 1;                       ///< of records whose split is drawn
  std::uint64_t lowest = 0;                     ///< how many have it: ids repeat between files

  void offer(double draw);  ///< a record's
};

/// Takes a record and the split that it is in.
using SplitSink = std::function<void(const std::string& split, Record&& record)>;

/// Reads all sources, with a bar, transforms and chooses the splits (`valid` where the draw is
/// below `valid_below`), and gives every record of `shard`; all are counted. Throws   what
/// CorpusReader::read throws
Reading read_sources(const Work& work, const std::string& label, double valid_below,
                     const Shard& shard, Problems& problems, const SplitSink& sink);

/// Below which draw a record is `valid`, after a reading with `below`. Where a share is wanted and
/// so few records are there that none was drawn, the one with the lowest draw is, unless it is all
/// that there is.
double valid_below(const DataOptions& data, const Reading& reading, double below);

/// Throws   DataError when there is nothing to train on
void check_anything_is_left(const Reading& reading, const Problems& problems);

}  // namespace banter::data
