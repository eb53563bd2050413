#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "data/options.h"
#include "data/store/shard.h"

namespace banter::data {

/// The files of a recipe's sources, as they are now. What a store was made from is told by content
/// and not by time stamps, so that a corpus that was fetched again still fits its store.
struct Inputs {
  struct Source {
    std::filesystem::path file;  ///< where the bytes are; for `-` a copy
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;  ///< of all its files
    std::string sha256;       ///< of names, sizes and content
  };
  std::vector<Source> sources;  ///< as in the recipe
  std::uint64_t bytes = 0;      ///< of all sources
  std::string tokenizer;        ///< SHA-256 of the tokenizer that is given, "" = none is

  /// Reads every file once. Standard input is copied into `scratch` first, since it is read again.
  /// Throws   FileError, Stopped
  static Inputs read(const DataOptions& options, const std::filesystem::path& scratch, bool quiet);
};

/// What a store of these inputs says of itself in its manifest: which `shard` it is, if it is one,
/// `options` and `sources`, each with
/// its `format`, which is known only after reading and may be "".
boost::json::object describe(const DataOptions& options, const Inputs& inputs, const Shard& shard,
                             const std::vector<std::string>& formats);

/// The first difference between a manifest and what would be written now, as a sentence; nothing
/// when the store is the one that these inputs make.
std::optional<std::string> first_difference(const boost::json::object& manifest,
                                            const boost::json::object& wanted);

}  // namespace banter::data
