#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Two sentences and how the second stands to the first. No ids, no tensors.
namespace banter::data {

/// Whether the premise says that the hypothesis is so. The values are those of MNLI's classes.
enum class Label : std::uint8_t { kEntailment = 0, kNeutral = 1, kContradiction = 2 };

/// "entailment", "neutral", "contradiction".
std::string_view to_text(Label label);

/// The label of exactly that name; nothing for any other text.
std::optional<Label> label_named(std::string_view name);

/// An example of natural language inference. Valid UTF-8, no NUL, neither text blank.
struct Pair {
  std::string id;          ///< unique in its file; made of its place where the corpus gives none
  std::string premise;     ///< kept byte for byte
  std::string hypothesis;  ///< kept byte for byte
  Label label = Label::kNeutral;
  std::string source;  ///< who or what made the pair, "" = not said
  std::string group;   ///< pairs of one group stay in one split, "" = not said

  bool operator==(const Pair&) const = default;
};

/// What pairs that depend on each other share: their group or, where the corpus gives none, their
/// premise, about which they all are.
inline const std::string& group_of(const Pair& pair) {
  return pair.group.empty() ? pair.premise : pair.group;
}

}  // namespace banter::data
