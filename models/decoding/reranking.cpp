#include "models/decoding/reranking.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/errors.h"

namespace banter::models {
namespace {

/// The model's log-probability a token, eos included.
std::vector<double> mean_log_probs(const data::Context&, std::span<const Reply> replies) {
  std::vector<double> means;
  for (const auto& reply : replies) {
    const auto sum = std::accumulate(reply.log_probs.begin(), reply.log_probs.end(), 0.0);
    means.push_back(sum / std::max<double>(1, static_cast<double>(reply.log_probs.size())));
  }
  return means;
}

struct Row {
  std::string_view name;
  std::vector<double> (*judge)(const data::Context&, std::span<const Reply>);
};

constexpr std::array kRerankers = {Row{"mean_log_prob", mean_log_probs}};

}  // namespace

std::vector<std::string> reranker_names() {
  std::vector<std::string> names = {"none"};
  for (const auto& row : kRerankers) names.emplace_back(row.name);
  return names;
}

Reranker reranker_named(std::string_view name) {
  for (const auto& row : kRerankers)
    if (row.name == name) return row.judge;
  return nullptr;
}

void rerank(const Reranker& reranker, const data::Context& context, std::vector<Reply>& replies) {
  const auto scores = reranker(context, replies);
  if (scores.size() != replies.size() ||
      std::ranges::any_of(scores, [](double score) { return std::isnan(score); }))
    throw base::Error("a reranker gave no number for a reply");
  for (std::size_t i = 0; i < replies.size(); ++i) replies[i].rerank_score = scores[i];
  std::ranges::stable_sort(replies, std::ranges::greater{},
                           [](const Reply& reply) { return *reply.rerank_score; });
}

}  // namespace banter::models
