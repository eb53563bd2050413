#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "data/formats/formats.h"

/// What the formats of sentence pairs share: they differ in names only.
namespace banter::data {

/// How a format names the parts of a pair: its keys or columns, "" = it has none.
struct PairForm {
  std::string_view premise, hypothesis, label;  ///< must be there
  /// Absent or "": '#' and the number of the line or element. A given "#2" may meet one of those;
  /// then it is told as an id that stands twice.
  std::string_view id;
  std::string_view source;
  std::array<std::string_view, 2> groups;  ///< the first that is there and says something
  std::optional<Label> (*label_of)(std::string_view);
  std::string_view no_label;  ///< instead of a label: nobody could say; "" = there is no such text
};

/// The texts of one record under the names of its form; "" = absent where it may be.
struct PairTexts {
  std::string_view premise, hypothesis, label, id, source, group;
};

/// Makes pairs of their texts, and remembers the labels that it did not know.
class PairBuilder {
 public:
  /// Both must outlive the builder.
  PairBuilder(const PairForm& form, Receiver& receiver) : form_(form), receiver_(receiver) {}

  /// Gives the receiver the pair, or tells that it has no label. Its id, where it has none, is the
  /// number of its line or element; behind a "#" where others of the form may be given one, which
  /// could be a number too. Throws   LostRecord
  void add(const PairTexts& texts, const Place& place);

  /// Tells which unknown labels there were: once, at the end of a stream.
  void finish(const Place& place) const;

 private:
  [[nodiscard]] std::string id_of(const PairTexts& texts, const Place& place) const;
  [[nodiscard]] Label known_label(std::string_view text);

  const PairForm& form_;
  Receiver& receiver_;
  std::map<std::string, std::uint64_t> unknown_;  ///< the first different ones, safe to print
  std::uint64_t more_unknown_ = 0;                ///< records with others
};

/// Reads pairs from an array of records, or from one record a line. Throws   DamagedInput
void read_json_pairs(InputStream& stream, const ReadLimits& limits, Receiver& receiver,
                     const PairForm& form);

}  // namespace banter::data
