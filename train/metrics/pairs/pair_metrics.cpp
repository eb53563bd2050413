#include "train/metrics/pairs/pair_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace banter::train {
namespace {

/// Which premises stand in the persona's place.
enum class Premises : std::size_t { kOwn, kShuffled };

/// Sums over pairs of one label, as they lie in a row.
struct LabelSums {
  static constexpr std::size_t kWidth = 6;
  std::span<const double> row;

  [[nodiscard]] double labels() const { return row[0]; }
  [[nodiscard]] double pairs() const { return row[1]; }
  [[nodiscard]] double nll(Premises premises) const {
    return row[2 + static_cast<std::size_t>(premises)];
  }
  /// Of each pair's log-probability a label.
  [[nodiscard]] double fit(Premises premises) const {
    return row[4 + static_cast<std::size_t>(premises)];
  }

  // NaN without pairs.
  [[nodiscard]] double log_ppl(Premises premises) const { return nll(premises) / labels(); }
  [[nodiscard]] double mean_fit(Premises premises) const { return fit(premises) / pairs(); }
  [[nodiscard]] double gain() const {
    return mean_fit(Premises::kOwn) - mean_fit(Premises::kShuffled);
  }
};

constexpr std::size_t kWidth = 2 * LabelSums::kWidth;

void add(const PairLikelihood& pair, std::size_t reading, std::span<double> row) {
  const auto sums = row.subspan(pair.label == data::Label::kEntailment ? 0 : LabelSums::kWidth,
                                LabelSums::kWidth);
  const auto& nll = pair.nll[reading];
  const std::array<double, LabelSums::kWidth> one = {
      pair.labels, 1, nll.own, nll.shuffled, -nll.own / pair.labels, -nll.shuffled / pair.labels};
  for (std::size_t i = 0; i < one.size(); ++i) sums[i] += one[i];
}

/// The pairs of both labels.
struct BothSums {
  explicit BothSums(std::span<const double> row)
      : entailed{row.subspan(0, LabelSums::kWidth)},
        contradicted{row.subspan(LabelSums::kWidth, LabelSums::kWidth)} {}
  LabelSums entailed, contradicted;
};

template <Premises premises>
double p_ent(const BothSums& sums) {
  return std::exp(sums.entailed.log_ppl(premises));
}
template <Premises premises>
double p_ctd(const BothSums& sums) {
  return std::exp(sums.contradicted.log_ppl(premises));
}
template <Premises premises>
double delta_p(const BothSums& sums) {
  return p_ctd<premises>(sums) - p_ent<premises>(sums);
}
template <Premises premises>
double log_delta_p(const BothSums& sums) {
  return sums.contradicted.log_ppl(premises) - sums.entailed.log_ppl(premises);
}
template <Premises premises>
double margin(const BothSums& sums) {
  return sums.entailed.mean_fit(premises) - sums.contradicted.mean_fit(premises);
}
double gain_ent(const BothSums& sums) { return sums.entailed.gain(); }
double gain_ctd(const BothSums& sums) { return sums.contradicted.gain(); }
double gain(const BothSums& sums) { return gain_ent(sums) - gain_ctd(sums); }

template <double (*figure)(const BothSums&)>
constexpr Metric metric(std::string_view name, std::string_view what, std::string_view unit,
                        int digits) {
  const auto value = [](std::span<const double> row, const MetricSettings&) {
    return figure(BothSums(row));
  };
  return {name,
          what,
          unit,
          digits,
          Need::kNothing,
          "teacher-forced",
          BySums{.width = kWidth, .add = nullptr, .value = value, .counted = nullptr}};
}

constexpr auto kOwn = Premises::kOwn, kShuffled = Premises::kShuffled;
constexpr std::string_view kPpl = "1 and more", kAny = "any, above 0 is consistent",
                           kNats = "nats a label";

constexpr std::array kMetrics = {
    metric<p_ent<kOwn>>("p_ent", "perplexity of hypotheses that the persona entails", kPpl, 2),
    metric<p_ctd<kOwn>>("p_ctd", "perplexity of those that it contradicts", kPpl, 2),
    metric<delta_p<kOwn>>("delta_p", "p_ctd - p_ent", kAny, 2),
    metric<log_delta_p<kOwn>>("log_delta_p", "ln p_ctd - ln p_ent", kNats, 4),
    metric<p_ent<kShuffled>>("p_ent_shuffled", "p_ent behind premises of other pairs", kPpl, 2),
    metric<p_ctd<kShuffled>>("p_ctd_shuffled", "p_ctd behind premises of other pairs", kPpl, 2),
    metric<delta_p<kShuffled>>("delta_p_shuffled", "their difference", kAny, 2),
    metric<log_delta_p<kShuffled>>("log_delta_p_shuffled", "that of their logarithms", kNats, 4),
    metric<margin<kOwn>>("pair_margin", "log-probability a label, entailed - contradicted", kNats,
                         4),
    metric<margin<kShuffled>>("pair_margin_shuffled", "the same behind premises of other pairs",
                              kNats, 4),
    metric<gain_ent>("pair_gain_ent", "what the own premise gives to entailed hypotheses", kNats,
                     4),
    metric<gain_ctd>("pair_gain_ctd", "what it gives to contradicted ones", kNats, 4),
    metric<gain>("pair_gain", "pair_gain_ent - pair_gain_ctd", kNats, 4),
};

}  // namespace

std::span<const Metric> pair_metrics() { return kMetrics; }

Measurement measure_pairs(const PairLikelihoods& likelihoods, std::size_t reading,
                          std::vector<const Metric*> metrics) {
  std::map<std::uint64_t, std::size_t> rows;  // of groups
  for (const auto& pair : likelihoods.pairs) rows.try_emplace(pair.group, rows.size());
  Measurement measurement;
  measurement.columns.assign(metrics.size(), 0);  // all are made of the same sums
  measurement.metrics = std::move(metrics);
  measurement.groups = rows.size();
  measurement.replies = likelihoods.pairs.size();
  measurement.sums = Table{.rows = rows.size(), .columns = kWidth};
  for (const auto& pair : likelihoods.pairs)
    add(pair, reading, measurement.sums.row(rows.at(pair.group)));
  return measurement;
}

PairColumn pair_column(std::string_view name) {
  PairColumn column;
  if (const auto dot = name.find('.'); dot != std::string_view::npos) {
    column.reading = name.substr(0, dot);
    if (std::ranges::find(kPairReadings, column.reading) == kPairReadings.end()) return {};
    name.remove_prefix(dot + 1);
  }
  const auto found = std::ranges::find(kMetrics, name, &Metric::name);
  if (found == kMetrics.end()) return {};
  column.metric = &*found;
  return column;
}

}  // namespace banter::train
