#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dialogue.h"
#include "data/inspection/example_sample.h"
#include "data/inspection/histogram.h"
#include "data/inspection/keys/distinct_counter.h"
#include "data/inspection/likeness/near_duplicates.h"
#include "data/inspection/likeness/sketch.h"
#include "data/inspection/script_counts.h"

namespace banter::data {

/// A number of a dialogue that no other goes beyond; the first where several tie.
struct Extreme {
  std::uint64_t value = 0;
  std::string id;          ///< of the dialogue, "" = there is none
  std::uint64_t turn = 0;  ///< in it, from 1; 0 where the number is the dialogue's
};

/// What is known of the speakers.
struct PersonaFigures {
  std::uint64_t dialogues = 0;   ///< with a persona at least
  std::uint64_t characters = 0;  ///< of the facts
  DistinctCounter::Counts facts;
  DistinctCounter::Counts personas;  ///< whole ones: all facts of a speaker, in order
};

/// What dialogues are like.
///
/// Units    words between ASCII white space; characters are code points; all of turns, not of facts
struct CorpusFigures {
  Histogram turns;                           ///< a dialogue
  Histogram words;                           ///< a turn
  Histogram speakers{Histogram::kMaxExact};  ///< a dialogue: different names, case kept
  std::uint64_t characters = 0, bytes = 0;
  std::uint64_t joined_turns = 0;  ///< after joining neighbours whose speakers are equal
  bool unknown_speakers = false;   ///< "?" is among them: then joining means nothing
  Extreme fewest_turns, most_turns;
  Extreme longest_turn;  ///< characters
  DistinctCounter::Counts names;
  DistinctCounter::Counts texts;         ///< of turns
  DistinctCounter::Counts dialogues;     ///< by the texts of their turns
  DistinctCounter::Counts normal_forms;  ///< the same as Likeness::kNormalised
  NearDuplicates::Counts near_duplicates;
  std::uint64_t non_ascii_characters = 0, non_ascii_turns = 0;
  std::vector<ScriptCounts::Row> scripts;
  std::uint64_t distractors = 0, turns_with_distractors = 0;
  PersonaFigures personas;
  std::vector<ShownDialogue> examples;
};

/// Counts them in one pass and in bounded memory: the buffers of eight DistinctCounters and a table
/// of NearDuplicates at most.
class CorpusStatistics {
 public:
  static constexpr std::size_t kExamples = 5;
  static constexpr std::size_t kLongTurn =
      40;  ///< characters from which a turn is hardly said twice

  /// `keys` takes what does not fit into memory; all corpora may have one.
  explicit CorpusStatistics(const std::shared_ptr<KeyFile>& keys, std::size_t examples = kExamples);

  /// Each dialogue goes to both. They share nothing, so that each may be called on a thread of its
  /// own.
  void count(const Dialogue& dialogue);  ///< all that is exact. Throws   FileError (disk full)
  void sketch(const Dialogue& dialogue) { near_duplicates_.add(sketcher_.sketch(dialogue)); }

  [[nodiscard]] CorpusFigures figures();

  /// Gives the memory of the keys back; only comparing is left to do. Throws   FileError
  void rest();

 private:
  friend struct Overlap;
  void add_turn(const Turn& turn, const std::string& id, std::uint64_t number);
  void add_speakers(const Dialogue& dialogue);
  void add_personas(const Dialogue& dialogue);
  void add_keys(const Dialogue& dialogue);

  CorpusFigures figures_;
  ScriptCounts scripts_;
  DistinctCounter names_, texts_, long_texts_, dialogues_, normal_forms_, facts_, personas_, ids_;
  Sketcher sketcher_;
  NearDuplicates near_duplicates_;
  ExampleSample examples_;
  std::string key_text_;
};

}  // namespace banter::data
