#pragma once

#include <ostream>
#include <string>

#include <boost/json.hpp>

#include "data/inspection/pair_statistics.h"
#include "data/inspection/statistics.h"

namespace banter::data {

/// How many dialogues of one corpus stand in another: exact but for near-duplicates, in bounded
/// memory.
struct Overlap {
  SharedKeys dialogues;     ///< whole ones, by the texts of their turns
  SharedKeys normal_forms;  ///< the same as Likeness::kNormalised
  NearDuplicates::Counts near_duplicates;
  SharedKeys long_turns;  ///< of CorpusStatistics::kLongTurn characters or more
  SharedKeys facts;       ///< of personas
  SharedKeys ids;

  /// What of `other` is in `one`. Throws   FileError
  static Overlap of(CorpusStatistics& other, CorpusStatistics& one);
};

/// The same of pairs, all of it exact.
struct PairOverlap {
  SharedKeys pairs;  ///< by premise and hypothesis, whatever the label
  SharedKeys premises, hypotheses;
  SharedKeys ids;

  static PairOverlap of(PairStatistics& other, PairStatistics& one);  ///< Throws   FileError
};

boost::json::object to_json(const Overlap& overlap);
boost::json::object to_json(const PairOverlap& overlap);

/// Says what is compared: what of the corpus `other` is in `one`.
void print_overlap_heading(std::ostream& out, const std::string& other, const std::string& one);
void print(std::ostream& out, const Overlap& overlap);
void print(std::ostream& out, const PairOverlap& overlap);

}  // namespace banter::data
