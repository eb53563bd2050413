#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// MNLI and SNLI, as JSON Lines or as columns between tabs under a header.
///
///     {"gold_label": "neutral", "sentence1": "...", "sentence2": "...", "pairID": "1n",
///      "promptID": "1", "genre": "fiction"}
///
/// `sentence1` is the premise; `gold_label` is entailment, neutral or contradiction, or "-" where
/// the annotators did not agree: such a pair is left out and told. The id is `pairID`, or "#"
/// and the number of the line or element; `genre` is the source; `promptID` (MNLI) or `captionID`
/// (SNLI) is the group, since several pairs are made from one premise.
///
/// Columns are known by their names in the first line. There is no quoting: a quote is a letter.
///
/// Source   Williams et al. 2018, arXiv:1704.05426; Bowman et al. 2015, arXiv:1508.05326
std::string_view recognises_mnli(std::string_view head);
void read_mnli(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
