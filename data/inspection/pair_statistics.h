#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>

#include <boost/json.hpp>

#include "data/pair.h"
#include "data/preparation/seen_keys.h"

namespace banter::data {

/// What sentence pairs are like, counted in one pass and in constant memory.
///
/// Units    words between ASCII white space; characters are code points
class PairStatistics {
 public:
  /// `scratch` takes temporary files.
  explicit PairStatistics(const std::filesystem::path& scratch);

  void add(const Pair& pair);

  [[nodiscard]] std::uint64_t pairs() const { return pairs_; }
  [[nodiscard]] boost::json::object to_json() const;
  void print(std::ostream& out) const;

 private:
  /// The premises, or the hypotheses.
  struct Side {
    explicit Side(const std::filesystem::path& scratch) : texts(scratch) {}
    void add(const std::string& text, const std::string& id);
    [[nodiscard]] boost::json::object to_json() const;
    void print(std::ostream& out, const char* name) const;

    std::uint64_t words = 0, characters = 0, bytes = 0, non_ascii_characters = 0;
    std::uint64_t longest = 0;  ///< characters
    std::string longest_id;     ///< the first where several tie
    SeenKeys texts;
  };
  void compare(const Pair& pair);

  std::uint64_t pairs_ = 0;
  std::array<std::uint64_t, 3> by_label_ = {};  ///< at the label's value
  Side premises_, hypotheses_;
  std::uint64_t repeated_ = 0;  ///< pairs with the two texts of an earlier one, whatever the label
  std::uint64_t non_ascii_pairs_ = 0;
  SeenKeys seen_;        ///< the two texts of each pair
  SeenKeys two_labels_;  ///< those that stand there with more than one label
  SeenKeys groups_;
};

}  // namespace banter::data
