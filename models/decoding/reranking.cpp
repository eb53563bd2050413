#include "models/decoding/reranking.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/errors.h"
#include "configs/section.h"

namespace banter::models {
namespace {

std::vector<double> mean_log_probs(const data::Context&, std::span<const Reply> replies) {
  std::vector<double> means;
  for (const auto& reply : replies) means.push_back(mean_log_prob(reply));
  return means;
}

struct Row {
  std::string_view name;
  /// Null where it needs a model beside the one that replies: then a request brings it.
  std::vector<double> (*judge)(const data::Context&, std::span<const Reply>);
};

constexpr std::array kRerankers = {Row{kConsistency, nullptr},
                                   Row{"mean_log_prob", mean_log_probs}};

}  // namespace

std::vector<std::string> reranker_names() {
  std::vector<std::string> names = {"none"};
  for (const auto& row : kRerankers) names.emplace_back(row.name);
  return names;
}

Reranker reranker_named(std::string_view name) {
  for (const auto& row : kRerankers) {
    if (row.name != name) continue;
    if (row.judge != nullptr) return row.judge;
    throw configs::ConfigError("decoding.rerank: " + std::string(name) +
                               " needs a classifier of sentence pairs: name its run with --nli");
  }
  return nullptr;
}

double mean_log_prob(const Reply& reply) {
  const auto sum = std::accumulate(reply.log_probs.begin(), reply.log_probs.end(), 0.0);
  return sum / std::max<double>(1, static_cast<double>(reply.log_probs.size()));
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
