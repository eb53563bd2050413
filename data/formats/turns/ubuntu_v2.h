#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// Ubuntu Dialogue Corpus v2: CSV, a context and its reply a row. Columns are found by the names in
/// the header; others are passed over.
///
///     Context,Utterance,Label                                for training
///     Context,Ground Truth Utterance,Distractor_0,...        for rankings
///
/// `__eot__` ends a turn of the context, `__eou__` a message in it. The turns are A's and B's by
/// turns, and so is the reply, the last one. The id is the running number of the row, lost ones
/// counted. A row of label 0 has the reply of another dialogue: counted, and never a dialogue.
/// Labels are 1 and 0, or 1.0 and 0.0, as the first of a file that is one of these is spelt; a
/// label of the other spelling is as unknown as any.
/// False replies become the distractors of the last turn; one that is the true reply is left out.
///
/// Recognised by its header; without one, by a row of three columns with marks and a label among
/// the first few. Rows without header are for training. Behind a row that its quotes or its length
/// broke, rows with a quote inside an unquoted field are lost up to the first one without: they may
/// be its rest.
std::string_view recognises_ubuntu_v2(std::string_view head);
void read_ubuntu_v2(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
