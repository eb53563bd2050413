#pragma once

#include <ostream>
#include <string>

#include <boost/json.hpp>

#include "data/inspection/statistics.h"

namespace banter::data {

/// How much of one corpus stands in another: exact but for near-duplicates, in bounded memory.
struct Overlap {
  SharedKeys dialogues;     ///< whole ones, by the texts of their turns
  SharedKeys normal_forms;  ///< the same without case and punctuation, see append_normal_form
  NearDuplicates::Counts near_duplicates;
  SharedKeys long_turns;  ///< of CorpusStatistics::kLongTurn characters or more
  SharedKeys facts;       ///< of personas
  SharedKeys ids;

  /// What of `other` is in `one`. Throws   FileError
  static Overlap of(CorpusStatistics& other, CorpusStatistics& one);
};

boost::json::object to_json(const Overlap& overlap);

/// `other` and `one` name the corpora.
void print(std::ostream& out, const Overlap& overlap, const std::string& other,
           const std::string& one);

}  // namespace banter::data
