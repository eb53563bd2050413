#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "data/formats/formats.h"
#include "data/record.h"
#include "data/tokenizer/tokenizer.h"
#include "data/transforms/transforms.h"

namespace banter::data {

/// One corpus of a recipe.
struct SourceOptions {
  std::string path;             ///< file, folder, pattern, or `-` = standard input
  std::string split = "auto";   ///< train|valid|test|auto; auto: by `valid_share`
  std::string format = "auto";  ///< auto: its content decides; or a format's name

  static SourceOptions from(configs::Section& section);
};

/// How records are changed and chosen when they are read, in the order of the steps. Nothing of it
/// is done unless it is asked for, and all of it is stored with the store. Read from
/// `data.cleaning`.
struct CleaningOptions {
  /// Patterns (RE2): a turn or a fact of the corpus with a match is not wanted.
  std::vector<std::string> blocked = {};
  std::string normalization = "none";     ///< none|nfkc
  bool drop_captions = false;             ///< [sounds] and (tones) in brackets
  bool drop_dashes = false;               ///< at the beginning of a turn
  bool drop_names = false;                ///< "NAME: " at the beginning of a turn
  bool drop_music = false;                ///< sung lines, and notes in other ones
  bool lower_case = false;                ///< letters of every script
  bool expand_contractions = false;       ///< of English: "i'm" becomes "i am"
  bool merge_consecutive = false;         ///< turns in a row by one speaker become one
  std::int64_t min_turn_words = 0;        ///< of a turn; white-space words
  std::int64_t max_turn_words = 0;        ///< of a turn; 0 = no limit
  std::int64_t min_turn_characters = 0;   ///< of a turn; code points
  std::int64_t max_turn_characters = 0;   ///< of a turn; 0 = no limit
  std::int64_t min_turns = 2;             ///< of a dialogue, >= 2
  std::int64_t max_turns = 0;             ///< of a dialogue; 0 = no limit
  std::vector<std::string> scripts = {};  ///< Unicode's names of those that are wanted; none = all
  double script_share = 0.9;              ///< of a record's letters, at least in them; (0, 1]
  std::string duplicates = "keep";        ///< keep|exact|normalised

  bool operator==(const CleaningOptions&) const = default;

  /// Throws   ConfigError on a bad value or an unknown key
  static CleaningOptions from(configs::Section section);
};

/// Corpora -> store. Read from `data`.
struct DataOptions {
  std::vector<SourceOptions> sources;
  double valid_share = 0.05;  ///< of the dialogues of sources with `split: auto`, in [0, 1); above
                              ///< 0 one of them at least, where the training keeps another
  std::uint64_t seed = 1;     ///< of that choice
  std::string split_by = "id";  ///< id|meta:KEY: what that choice is a function of
  CleaningOptions cleaning;
  std::vector<TransformOptions> transforms;  ///< done one after the other
  ReadLimits limits;
  std::int64_t max_skipped = 1000;  ///< faulty records that are borne, >= 0
  /// Records after which what was done is made durable, >= 1: as many at most are made anew when
  /// the program was killed. Changes nothing in the store.
  std::int64_t checkpoint_records = 500'000;
  TokenizerOptions tokenizer;

  /// Throws   ConfigError on a bad value, an unknown key, or no source
  static DataOptions from(configs::Section& section);
};

/// What decides the split of a record of an `auto` source.
struct SplitKey {
  std::string_view text;     ///< lives as long as the record
  bool is_fallback = false;  ///< the record has not what `split_by` asks for
};

/// Its group, or its id where it has none; by `meta:KEY` that value of a dialogue, where it is
/// there and not empty. (Pairs have no meta.)
SplitKey split_key(const Record& record, std::string_view split_by);

/// The draw that decides it, in [0, 1): a pure function of the key. `valid` are those below
/// `valid_share`.
double split_draw(std::string_view key, std::uint64_t seed);

}  // namespace banter::data
