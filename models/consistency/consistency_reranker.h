#pragma once

#include "data/tokenizer/tokenizer.h"
#include "models/consistency/consistency_judge.h"
#include "models/decoding/reranking.h"

namespace banter::models {

/// Judges replies by how consistent they are with the context's facts, among those that are about
/// as fluent as the best.
///
/// Math     c(r) = consistency_score, r's facts entailed less those contradicted, F facts in all;
///          l(r) = log p(r | context) / tokens, eos counted;
///          c(r) where l(r) >= max l - margin, else -(F + 1), less than any
/// Units    margin: nats a token, >= 0
/// Threads  one at a time; `judge` must outlive it
///
/// Labels count and not probabilities: most replies are neutral to all facts, and among those the
/// classifier's last digits must not choose but the model; equal ones stay as they were sorted.
Reranker consistency_reranker(ConsistencyJudge& judge, const data::Tokenizer& tokenizer,
                              double margin);

}  // namespace banter::models
