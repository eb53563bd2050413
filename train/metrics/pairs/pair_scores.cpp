#include "train/metrics/pairs/pair_scores.h"

#include <ostream>
#include <utility>

#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

constexpr std::size_t kResamples = 1000;
constexpr std::uint64_t kSeed = 12345;

std::vector<PairScores::Figure> figures_of(const Measurement& measured) {
  const auto values = measured.values();
  const auto intervals = measured.intervals(kResamples, kSeed);
  std::vector<PairScores::Figure> figures;
  for (std::size_t i = 0; i < values.size(); ++i)
    figures.push_back({.metric = measured.metrics[i],
                       .value = values[i],
                       .interval = intervals[i].value_or(interval_over(0, {}))});
  return figures;
}

}  // namespace

PairScores::PairScores(const PairLikelihoods& likelihoods, std::string of_store,
                       std::string of_split, std::string of_data, std::string_view how)
    : store(std::move(of_store)), split(std::move(of_split)), data(std::move(of_data)) {
  for (const auto& pair : likelihoods.pairs)
    ++(pair.label == data::Label::kEntailment ? entailed : contradicted);
  std::vector<const Metric*> metrics;
  for (const auto& metric : pair_metrics()) metrics.push_back(&metric);
  for (std::size_t r = 0; r < likelihoods.readings.size(); ++r) {
    const auto measured = measure_pairs(likelihoods, r, metrics);
    groups = measured.groups;
    readings.push_back({.name = likelihoods.readings[r], .figures = figures_of(measured)});
  }
  signature = std::string(how) + "|pairs:" + std::to_string(entailed) + "+" +
              std::to_string(contradicted) + "|interval:bootstrap-group-" +
              std::to_string(kResamples) + "-" + std::to_string(kSeed) + "|version:banter-" +
              BANTER_VERSION;
}

std::string pair_signature(const Metric& metric, const std::string& reading, std::string_view how) {
  return std::string(metric.name) + "|likelihood:" + reading + "|" + std::string(how);
}

json::object PairScores::to_json() const {
  json::object object = {
      {"store", store},
      {"split", split},
      {"data", data},
      {"signature", signature},
      {"counts", {{"entailed", entailed}, {"contradicted", contradicted}, {"groups", groups}}}};
  for (const auto& reading : readings) {
    json::object figures;
    for (const auto& [metric, value, interval] : reading.figures)
      figures[std::string(metric->name)] = {
          {"value", number_or_null(value)},
          {"low", number_or_null(interval.low)},
          {"high", number_or_null(interval.high)},
          {"unit", std::string(metric->unit)},
          {"signature", pair_signature(*metric, reading.name, signature)}};
    object[reading.name] = std::move(figures);
  }
  return object;
}

void PairScores::print(std::ostream& out) const {
  out << "sentence pairs of " << split << " of " << store << ": " << entailed << " entailed, "
      << contradicted << " contradicted, " << groups << " groups\n";
  std::vector<std::vector<std::string>> rows = {{""}};
  for (const auto& reading : readings) rows[0].push_back("by " + reading.name);
  for (std::size_t m = 0; m < pair_metrics().size(); ++m) {
    const auto& metric = pair_metrics()[m];
    auto& row = rows.emplace_back(std::vector<std::string>{std::string(metric.name)});
    for (const auto& reading : readings) {
      const auto& figure = reading.figures[m];
      row.push_back(fixed(figure.value, metric.digits) + " " +
                    bounds(figure.interval, metric.digits));
    }
  }
  print_table(out, rows);
  out << "[95 % intervals over groups]  " << signature << "\n";
}

}  // namespace banter::train
