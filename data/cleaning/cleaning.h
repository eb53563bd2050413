#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/cleaning/blocked_patterns.h"
#include "data/cleaning/unicode_text.h"
#include "data/options.h"
#include "data/problems.h"
#include "data/record.h"

namespace banter::data {

/// Joins turns in a row by one named speaker, names compared without ASCII case; two "?" are never
/// joined, since they need not be the same person, nor are turns with distractors, which stand
/// beside the turn as it is. Returns   how many turns went into others
std::size_t merge_consecutive(Dialogue& dialogue);

/// Whether all turns are by one named speaker: then nobody replies. Case counts: a corpus that
/// writes two names means two people (merging, which is asked for, may see one in them).
bool is_monologue(const Dialogue& dialogue);

/// Whether nobody's name is known, as in subtitles: then where talk ends and begins is not known
/// either, and such a run may be cut between any two turns.
bool is_run(const Dialogue& dialogue);

/// Does what `data.cleaning` asks for, but for what needs other records (duplicates). Every change
/// and every loss is told as a count of its own rule, to who is given with the record.
///
/// A turn that is not wanted takes its dialogue, so that turns never shift; a run of unknown
/// speakers is cut there instead.
///
/// Threads  any number at once: a record is cleaned by itself
class Cleaner {
 public:
  using Tell = std::function<void(Problem&&)>;

  /// Requires options as `CleaningOptions::from` lets pass.
  explicit Cleaner(const CleaningOptions& options);

  /// Whether nothing is asked for that `clean` does: then every record stays as it is.
  [[nodiscard]] bool is_idle() const { return is_idle_; }

  /// What is left: nothing, the dialogue, or the parts of a run. The first part has the id of the
  /// run, further ones ID+2, ID+3, ...; they are of one group.
  [[nodiscard]] std::vector<Dialogue> clean(Dialogue&& dialogue, const Place& place,
                                            const Tell& tell) const;
  /// Whether the pair stays. Its two texts are changed as turns are where that is not about
  /// subtitles.
  [[nodiscard]] bool clean(Pair& pair, const Place& place, const Tell& tell) const;

 private:
  /// Changes texts; `of_facts`: those of personas and pairs too.
  struct TextStep {
    std::string_view rule;         ///< a literal
    bool (*change)(std::string&);  ///< whether it changed the text
    bool of_facts;
  };
  /// Why something is not wanted; without a rule it is.
  struct Fault {
    std::string_view rule = {};  ///< a literal
    std::string detail = {};
  };
  /// Tells what is counted of one record.
  struct Counter {
    const Place& place;
    const Tell& tell;
    void operator()(std::string_view rule, std::string detail, std::uint64_t records) const {
      tell({place, Severity::kCount, rule, std::move(detail), records});
    }
  };
  using TurnFaults = std::vector<Fault>;  ///< of each turn

  [[nodiscard]] static bool has_fault(const TurnFaults& faults);

  [[nodiscard]] const std::string* blocked_fact(const Dialogue& dialogue) const;
  [[nodiscard]] TurnFaults blocked_turns(const Dialogue& dialogue) const;
  void change_texts(Dialogue& dialogue, const Counter& count) const;
  void drop_spoilt_extras(Dialogue& dialogue, const Counter& count) const;
  [[nodiscard]] Fault size_fault(const Turn& turn) const;
  [[nodiscard]] bool has_word_limits() const;
  [[nodiscard]] bool has_character_limits() const;
  void add_size_faults(const Dialogue& dialogue, TurnFaults& faults) const;
  [[nodiscard]] Fault dialogue_fault(const Dialogue& dialogue) const;
  [[nodiscard]] Fault script_fault(const ScriptCount& count) const;

  /// What follows the texts, for a dialogue of named speakers.
  [[nodiscard]] std::vector<Dialogue> clean_talk(Dialogue&& dialogue, const TurnFaults& faults,
                                                 const Counter& count) const;
  /// Whether a turn that is not wanted takes the dialogue; then that is told.
  [[nodiscard]] bool takes_all(const TurnFaults& faults, const Counter& count) const;
  /// The dialogue, unless it is itself not wanted.
  [[nodiscard]] std::vector<Dialogue> choose(Dialogue&& dialogue, const Counter& count) const;
  /// The wanted parts between turns that are not.
  [[nodiscard]] std::vector<Dialogue> cut_run(Dialogue&& run, const TurnFaults& faults,
                                              const Counter& count) const;
  [[nodiscard]] std::vector<Dialogue> parts_of(Dialogue&& run, const TurnFaults& faults,
                                               const Counter& count) const;

  CleaningOptions options_;
  bool is_idle_;
  BlockedPatterns blocked_;
  std::vector<TextStep> steps_;
  std::vector<Script> scripts_;
};

}  // namespace banter::data
