#include "train/metrics/texts/scores.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "base/utf8.h"

namespace banter::train {
namespace {

namespace json = base::json;

bool has_what_it_needs(const Metric& metric, std::span<const Sample> samples, bool has_vectors) {
  const auto has_references = [](const Sample& sample) { return !sample.references.empty(); };
  const auto has_context = [](const Sample& sample) { return !sample.context.empty(); };
  const auto has_judgements = [](const Sample& sample) { return !sample.judgements.empty(); };
  switch (metric.need) {
    case Need::kNothing:
      return true;
    case Need::kReferences:
      return std::ranges::all_of(samples, has_references);
    case Need::kContexts:
      return std::ranges::any_of(samples, has_context);
    case Need::kVectors:
      return has_vectors && std::ranges::all_of(samples, has_references);
    case Need::kJudgements:
      return std::ranges::any_of(samples, has_judgements);
  }
  return false;
}

std::vector<std::string> cells(const Score& score) {
  const int digits = score.metric->digits;
  std::vector<std::string> row = {std::string(score.metric->name), fixed(score.value, digits),
                                  bounds(score.interval, digits)};
  if (score.difference) {
    row.push_back(fixed(score.difference->second, digits));
    row.push_back(fixed(score.difference->difference, digits));
    row.push_back(p_text(score.difference->p));
  }
  row.push_back(score.signature);
  return row;
}

}  // namespace

json::object Score::to_json() const {
  json::object object = {{"value", number_or_null(value)},
                         {"low", nullptr},
                         {"high", nullptr},
                         {"unit", std::string(metric->unit)},
                         {"count", counted}};
  if (interval) {
    object["low"] = number_or_null(interval->low);
    object["high"] = number_or_null(interval->high);
  }
  if (difference) {
    object["against"] = number_or_null(difference->second);
    object["difference"] = number_or_null(difference->difference);
    object["p"] = number_or_null(difference->p);
    object["test"] = test;
  }
  object["signature"] = signature;
  return object;
}

std::vector<Score> score(std::span<const Sample> samples, std::span<const Sample> others,
                         const std::vector<const Metric*>& metrics, const MetricSettings& settings,
                         const Resampling& resampling) {
  PieceVocabulary vocabulary;
  const auto measured = measure(samples, metrics, settings, vocabulary);
  const auto values = measured.values();
  const auto counted = measured.counted();
  const auto intervals = measured.intervals(resampling.resamples, resampling.seed);
  std::vector<Difference> differences;
  if (!others.empty())
    differences = compare(measured, measure(others, metrics, settings, vocabulary), resampling.test,
                          resampling.trials, resampling.seed);
  const auto hash = hash_of_data(samples);
  std::vector<Score> scores(metrics.size());
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    scores[i] = {.metric = metrics[i],
                 .value = values[i],
                 .interval = intervals[i],
                 .counted = counted[i],
                 .signature = signature(*metrics[i], settings, samples, hash, resampling.resamples,
                                        resampling.seed),
                 .difference = std::nullopt,
                 .test = ""};
    if (others.empty()) continue;
    scores[i].difference = differences[i];
    scores[i].test = std::string(name_of(differences[i].test)) + "-group-" +
                     std::to_string(resampling.trials) + "-" + std::to_string(resampling.seed);
  }
  return scores;
}

std::vector<const Metric*> possible_metrics(std::span<const Metric* const> metrics,
                                            std::span<const Sample> samples, bool has_vectors) {
  std::vector<const Metric*> possible;
  for (const auto* metric : metrics)
    if (has_what_it_needs(*metric, samples, has_vectors)) possible.push_back(metric);
  return possible;
}

void print_scores(std::ostream& out, std::span<const Score> scores) {
  std::vector<std::vector<std::string>> rows = {{"metric", "value", "95 % interval"}};
  if (!scores.empty() && scores.front().difference)
    rows[0].insert(rows[0].end(), {"against", "difference", "p"});
  rows[0].emplace_back("signature");
  for (const auto& score : scores) rows.push_back(cells(score));
  print_table(out, rows);
}

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

std::string p_text(double p) {
  std::ostringstream text;
  text << std::setprecision(3) << p;
  return text.str();
}

std::string bounds(const std::optional<Interval>& interval, int digits) {
  if (!interval || !std::isfinite(interval->low)) return "-";
  return "[" + fixed(interval->low, digits) + ", " + fixed(interval->high, digits) + "]";
}

void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    out << line << '\n';
  }
}

json::value number_or_null(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

}  // namespace banter::train
