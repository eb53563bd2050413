#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/dialogue.h"
#include "data/pair.h"
#include "data/scratch/seen_keys.h"

namespace banter::data {

/// An earlier record that says the same.
struct Copy {
  std::string first;         ///< where it stands
  bool is_mirrored = false;  ///< of a dialogue: the same speakers have changed sides
};

/// When two texts are the same.
enum class Likeness : std::uint8_t {
  kExact,       ///< byte for byte, turn for turn
  kNormalised,  ///< by their letters and digits in small letters, those of a dialogue all in a row;
                ///< texts without any as in kExact
};

/// Remembers the texts of records in `seen` and finds those that come again among all with the same
/// `scope`. Who says a text does not count, but for telling a copy from a dialogue that is told
/// from the other side.
class Copies {
 public:
  /// `seen` must outlive it.
  Copies(SeenKeys& seen, std::string scope, Likeness likeness);

  /// Of what the dialogue is a copy; nothing for one that is new, which is remembered as standing
  /// at `place`. Throws   FileError (disk full)
  std::optional<Copy> find(const Dialogue& dialogue, std::string_view place);
  /// The same of a pair: premise and hypothesis are alike each, and the labels equal.
  std::optional<Copy> find(const Pair& pair, std::string_view place);

 private:
  SeenKeys& seen_;
  std::string scope_;
  Likeness likeness_;
};

}  // namespace banter::data
