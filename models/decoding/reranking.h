#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/batches/context.h"
#include "models/decoding/reply.h"

/// Choosing among finished replies by something else than the score they were searched by.
namespace banter::models {

/// Judges the replies to a context: a number for each, higher = better.
using Reranker =
    std::function<std::vector<double>(const data::Context&, std::span<const Reply> replies)>;

/// What `rerank` can name: none, and the rows of the table in reranking.cpp.
std::vector<std::string> reranker_names();

/// What sorts replies by how they keep to a persona; a request brings it (consistency_reranker).
inline constexpr std::string_view kConsistency = "consistency";

/// The row of the table with this name; nothing (false) for "none".
/// Throws   ConfigError for one that needs a model, which the request lacks then
Reranker reranker_named(std::string_view name);

/// The model's log-probability a token of a reply, eos included, natural log.
double mean_log_prob(const Reply& reply);

/// Sorts by the judgement, best first, equal ones as they were, and notes it as `rerank_score`.
/// Throws   base::Error when a judgement is missing or NaN
void rerank(const Reranker& reranker, const data::Context& context, std::vector<Reply>& replies);

}  // namespace banter::models
