#pragma once

#include "data/batches/batch.h"
#include "models/decoding/reranking.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// Judges a reply by what it says of the turn before it, too: bland replies fit every turn, so they
/// tell little of this one.
///
/// Math     (1 - weight) log p(reply | context) + weight log p(last turn | reply), natural log; the
///          second by `reverse`, a model of the same vocabulary that learned turned dialogues; 0
///          where the context has no turn. Each is spelled as `tokenizer` spells its part: the
///          reply as a context, the turn as a reply
/// Threads  one at a time; `reverse` must outlive it
/// Source   Li et al. 2016, arXiv:1510.03055, MMI-bidi; differs: no term for the length
Reranker mmi_reranker(DialogueModel& reverse, const data::BatchOptions& limits,
                      const data::Tokenizer& tokenizer, double weight);

}  // namespace banter::models
