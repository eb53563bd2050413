#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "data/formats/formats.h"
#include "data/record.h"
#include "data/tokenizer.h"

namespace banter::data {

/// One corpus of a recipe.
struct SourceOptions {
  std::string path;             ///< file, folder, pattern, or `-` = standard input
  std::string split = "auto";   ///< train|valid|auto; auto: by `valid_share`
  std::string format = "auto";  ///< auto: its content decides; or a format's name

  static SourceOptions from(configs::Section& section);
};

/// How a dialogue is changed and chosen when it is read. All of it is stored with the store.
struct CleaningOptions {
  bool merge_consecutive = false;  ///< turns in a row by one speaker become one, joined by a space
  std::int64_t min_turns = 2;      ///< of a dialogue, after merging; >= 2
  bool lower_case = false;         ///< Latin, Greek and Cyrillic letters
};

/// Corpora -> store. Read from `data`.
struct DataOptions {
  std::vector<SourceOptions> sources;
  double valid_share = 0.05;  ///< of the dialogues of sources with `split: auto`, in [0, 1); above
                              ///< 0 one of them at least, where the training keeps another
  std::uint64_t seed = 1;     ///< of that choice
  CleaningOptions cleaning;
  ReadLimits limits;
  std::int64_t max_skipped = 1000;  ///< faulty records that are borne, >= 0
  /// Records after which what was done is made durable, >= 1: as many at most are made anew when
  /// the program was killed. Changes nothing in the store.
  std::int64_t checkpoint_records = 500'000;
  TokenizerOptions tokenizer;

  /// Throws   ConfigError on a bad value, an unknown key, or no source
  static DataOptions from(configs::Section& section);
};

/// What decides the split of a record of an `auto` source: its group, or its id.
std::string_view split_key(const Record& record);

/// The draw that decides it, in [0, 1): a pure function of the key.
double split_draw(std::string_view key, std::uint64_t seed);

/// valid when the draw is below `valid_share`, else train.
std::string_view split_of(std::string_view key, std::uint64_t seed, double valid_share);

}  // namespace banter::data
