#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// KvPI: Chinese profiles and replies that follow from them, contradict them or say nothing of
/// them. Seven columns between tabs, quotes are ordinary characters:
///
///     profile [SEP] reply <TAB> label <TAB> domain <TAB> four columns of a parser's
///
/// The profile is the premise, the reply the hypothesis. The label is 0, 1, 2 or entailed,
/// contradicted, irrelevant in any case: entailment, contradiction, neutral. The mark between
/// profile and reply is "[SEP]", or "sep" between spaces, in any case: the first one counts. The
/// parser's columns (the words of both and their trees) and the domain are not kept.
///
/// A header line that names a label names the columns: label, and either text or both of profile
/// and response (or reply). Without one they stand as above.
///
/// The id is the number of the line.
///
/// Source   the order of the columns and of the labels: data_loader.py and f1_acc.py of
///          github.com/songhaoyu/KvPI (Song et al. 2020, arXiv:2009.09680). The names in a header
///          and the spelling of the mark are not said there: hence what is accepted.
std::string_view recognises_kvpi(std::string_view head);
void read_kvpi(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
