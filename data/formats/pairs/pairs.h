#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// Our own form of sentence pairs: one JSON object a line, or one array of such objects.
///
///     {"id": "x", "premise": "...", "hypothesis": "...", "label": "entailment",
///      "source": "who made it", "group": "what it was made from"}
///
/// `label` is entailment, neutral or contradiction. `source` and `group` may be absent, and so may
/// `id`: then it is "#" and the number of the line or element. Further keys are passed over.
std::string_view recognises_pairs(std::string_view head);
void read_pairs(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
