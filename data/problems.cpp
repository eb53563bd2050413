#include "data/problems.h"

#include "base/errors.h"

namespace banter::data {
namespace {
constexpr std::size_t kShownPerRule = 5;
constexpr std::size_t kShownOnFailure = 10;
}  // namespace

std::string Problem::text() const {
  std::string text = place.text() + ": " + std::string(rule);
  if (!detail.empty()) text += " (" + detail + ")";
  return text;
}

void Problems::add(const Problem& problem) {
  auto& count = by_rule_[problem.rule];
  count.severity = problem.severity;
  ++count.count;
  if (count.first.size() < kShownPerRule) count.first.push_back(problem.text());
  records_lost_ += problem.records;
  if (problem.records > 0 && first_loss_.empty()) first_loss_ = problem.text();
  if (problem.severity != Severity::kSkip) return;
  ++skips_;
  if (first_skips_.size() < kShownOnFailure) first_skips_.push_back(problem.text());
  if (skips_ <= max_skipped_) return;
  std::string message = "more than data.max_skipped = " + std::to_string(max_skipped_) +
                        " records are faulty; mend the corpus or raise the limit; the first:";
  for (const auto& text : first_skips_) message += "\n  " + text;
  throw base::DataError(message);
}

}  // namespace banter::data
