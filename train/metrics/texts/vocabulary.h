#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace banter::train {

using WordId = std::uint32_t;

/// Words by number, from 1.
class Vocabulary {
 public:
  /// The number of a word, a new one when it was not seen before.
  WordId add(std::string_view word) {
    if (const auto known = ids_.find(word); known != ids_.end()) return known->second;
    const auto id = static_cast<WordId>(words_.size() + 1);
    ids_.emplace(words_.emplace_back(word), id);
    return id;
  }
  [[nodiscard]] const std::string& word(WordId id) const { return words_[id - 1]; }
  [[nodiscard]] std::size_t size() const { return words_.size(); }

 private:
  std::deque<std::string> words_;  ///< their places stay, so that the keys may lie in them
  std::unordered_map<std::string_view, WordId> ids_;
};

}  // namespace banter::train
