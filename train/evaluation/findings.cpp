#include "train/evaluation/findings.h"

#include <ostream>
#include <utility>

namespace banter::train {

namespace json = base::json;

namespace {

std::uint64_t whole(double count) { return static_cast<std::uint64_t>(count); }

}  // namespace

FitRow::FitRow(std::string system, std::span<const Likelihood> groups,
               const std::vector<LikelihoodMetric>& metrics)
    : name(std::move(system)), sums(total(groups)), fits(metrics) {
  const auto draws = resample(groups);
  for (const auto& metric : fits) {
    std::vector<double> values;
    values.reserve(draws.size());
    for (const auto& draw : draws) values.push_back((draw.*metric.value)());
    intervals.push_back(interval_over(groups.size(), std::move(values)));
  }
}

json::object FitRow::to_json() const {
  json::object object;
  for (std::size_t i = 0; i < fits.size(); ++i)
    object[std::string(fits[i].name)] = {{"value", number_or_null((sums.*fits[i].value)())},
                                         {"low", number_or_null(intervals[i].low)},
                                         {"high", number_or_null(intervals[i].high)},
                                         {"count", sums.*fits[i].count}};
  return object;
}

std::vector<std::string> FitRow::cells() const {
  std::vector<std::string> cells = {name};
  for (std::size_t i = 0; i < fits.size(); ++i)
    cells.push_back(fixed((sums.*fits[i].value)(), fits[i].digits) + " " +
                    bounds(intervals[i], fits[i].digits));
  return cells;
}

TextScores::TextScores(std::string system, const std::vector<Sample>& samples,
                       const std::vector<const Metric*>& metrics, const MetricSettings& settings)
    : name(std::move(system)),
      scores(score(samples, {}, possible_metrics(metrics, samples, settings.vectors != nullptr),
                   settings, {})) {}

json::object TextScores::to_json() const {
  json::object object;
  for (const auto& score : scores) object[std::string(score.metric->name)] = score.to_json();
  return object;
}

json::object to_json(const Findings& found) {
  json::object answer = {{"run", found.run},
                         {"store", found.store},
                         {"signature", found.signature},
                         {"counts",
                          {{"dialogues", found.dialogues},
                           {"groups", found.groups},
                           {"replies", whole(found.all.replies)},
                           {"labels", whole(found.all.labels)},
                           {"words", whole(found.all.words)},
                           {"bytes", whole(found.all.bytes)},
                           {"baseline_labels", found.baseline_labels}}}};
  for (std::size_t i = 0; i < found.rows.size(); ++i)
    answer[i == 0 ? "model" : found.rows[i].name] = found.rows[i].to_json();
  for (const auto& row : found.further) answer[row.name] = row.to_json().at("ppl");
  if (!found.by_turn.empty()) answer["by_turn"] = to_json(found.by_turn);
  if (found.ranking) answer["ranking"] = found.ranking->to_json();
  if (!found.rises.empty()) answer["perturb"] = to_json(found.rises);
  if (found.pairs) answer["pairs"] = found.pairs->to_json();
  if (found.vectors) answer["vectors"] = found.vectors->to_json();
  for (const auto& one : found.texts) answer[one.name] = one.to_json();
  return answer;
}

void print(std::ostream& out, const Findings& found) {
  out << found.run << " on " << found.split << " of " << found.store << ": "
      << whole(found.all.replies) << " replies of " << found.dialogues << " dialogues, "
      << whole(found.all.labels) << " labels, " << whole(found.all.words) << " words, "
      << whole(found.all.bytes) << " bytes\n";
  if (!found.rows.empty()) {
    std::vector<std::vector<std::string>> table = {{""}};
    for (const auto& metric : found.rows[0].fits) table[0].emplace_back(metric.name);
    for (const auto& row : found.rows) table.push_back(row.cells());
    out << "\n";
    print_table(out, table);
    out << "[95 % intervals over " << found.groups << " groups of dialogues]  " << found.signature
        << "\n";
  }
  for (const auto& row : found.further) {
    const auto cells = row.cells();
    out << cells.at(0) << " " << cells.at(1) << "\n";
  }
  if (!found.by_turn.empty()) {
    out << "\nby the reply's turn in its dialogue\n";
    print(out, found.by_turn);
  }
  if (found.ranking) {
    out << "\n";
    found.ranking->print(out);
  }
  if (!found.rises.empty()) {
    out << "\nrise of nll_word when the context is altered\n";
    print(out, found.rises);
  }
  if (found.pairs) {
    out << "\n";
    found.pairs->print(out);
  }
  for (const auto& one : found.texts) {
    out << "\n" << one.name << ", " << found.answered << " replies\n";
    print_scores(out, one.scores);
  }
  if (found.vectors) found.vectors->print(out);
}

}  // namespace banter::train
