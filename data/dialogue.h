#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

/// What people say, as text. No ids, no tensors.
namespace banter::data {

/// Different speakers that a store can number in one dialogue.
constexpr std::size_t kMaxSpeakers = 65'534;

/// One contribution of one speaker. Valid UTF-8, no NUL, not blank.
struct Turn {
  std::string speaker;  ///< as in the corpus, never ""; "?" = unknown (two need not be one person)
  std::string text;     ///< kept byte for byte
  std::string time;     ///< as in the corpus, "" = none
  /// False replies that the corpus offers beside this one, for rankings (hits@k). None is this
  /// turn's own text; what another turn says may be one.
  std::vector<std::string> distractors = {};

  bool operator==(const Turn&) const = default;
};

/// An exchange in a corpus.
struct Dialogue {
  std::string id;     ///< unique in its file; a running number where the corpus gives none
  std::string group;  ///< dialogues of one group stay in one split, "" = it is alone
  std::vector<std::pair<std::string, std::string>> meta;  ///< in the order of the file
  std::vector<std::pair<std::string, std::vector<std::string>>> personas;  ///< speaker -> facts
  std::vector<Turn> turns;                                                 ///< in order

  bool operator==(const Dialogue&) const = default;
};

}  // namespace banter::data
