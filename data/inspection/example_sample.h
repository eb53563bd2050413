#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/dialogue.h"

namespace banter::data {

/// The beginning of a dialogue, for people.
struct ShownDialogue {
  std::uint64_t draw = 0;  ///< decides which ones are shown, and in which order
  std::string id;
  std::vector<Turn> turns;  ///< the first few, each cut at a few hundred bytes
  std::uint64_t all_turns = 0;
};

/// Keeps a seeded sample of the dialogues that pass by: equal corpora, equal examples.
class ExampleSample {
 public:
  explicit ExampleSample(std::size_t size) : size_(size) {}

  void offer(const Dialogue& dialogue);
  [[nodiscard]] const std::vector<ShownDialogue>& examples() const { return examples_; }

 private:
  std::size_t size_;
  std::uint64_t offered_ = 0;
  std::vector<ShownDialogue> examples_;  ///< the smallest draws first
};

}  // namespace banter::data
