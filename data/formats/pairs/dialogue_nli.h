#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// Dialogue NLI: a JSON array, although its files are named .jsonl, or one object a line.
///
///     {"sentence1": "...", "sentence2": "...", "label": "positive", "id": "train_0"}
///
/// `sentence1` is the premise; `label` is positive (entailment), neutral or negative
/// (contradiction). An `id` that is absent is "#" and the number of the element or line. Further
/// keys are passed over. A published file is cut inside its array: the whole elements are kept and
/// the cut one is told.
///
/// Source   Welleck et al. 2019, arXiv:1811.00671
std::string_view recognises_dialogue_nli(std::string_view head);
void read_dialogue_nli(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
