#include "train/metrics/texts/measure.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "train/metrics/statistics/in_parallel.h"

namespace banter::train {
namespace {

/// For each sample the number of its group, from 0 in the order in which they come up.
std::vector<std::uint32_t> group_numbers(std::span<const Sample> samples) {
  std::unordered_map<std::uint64_t, std::uint32_t> known;
  std::vector<std::uint32_t> numbers;
  numbers.reserve(samples.size());
  for (const auto& sample : samples)
    numbers.push_back(
        known.try_emplace(sample.group, static_cast<std::uint32_t>(known.size())).first->second);
  return numbers;
}

std::size_t place_columns(Measurement& measurement) {
  std::size_t columns = 0;
  for (const auto* metric : measurement.metrics) {
    measurement.columns.push_back(columns);
    if (const auto* sums = std::get_if<BySums>(&metric->how)) columns += sums->width;
  }
  return columns;
}

void add_sums(const Measurement& measurement, const Sample& sample, std::span<double> row) {
  const ReadSample read(sample, measurement.settings.tokenize);
  for (std::size_t i = 0; i < measurement.metrics.size(); ++i)
    if (const auto* sums = std::get_if<BySums>(&measurement.metrics[i]->how))
      sums->add(read, measurement.settings, row.subspan(measurement.columns[i], sums->width));
}

Table sums_by_group(const Measurement& measurement, std::span<const Sample> samples,
                    std::span<const std::uint32_t> groups, std::size_t columns) {
  Table by_sample{.rows = samples.size(), .columns = columns};
  in_parallel(samples.size(), 64, [&](std::size_t begin, std::size_t end) {
    for (auto i = begin; i < end; ++i) add_sums(measurement, samples[i], by_sample.row(i));
  });
  if (measurement.groups == samples.size()) return by_sample;
  Table by_group{.rows = measurement.groups, .columns = columns};
  for (std::size_t i = 0; i < samples.size(); ++i)
    for (std::size_t c = 0; c < columns; ++c) by_group.row(groups[i])[c] += by_sample.row(i)[c];
  return by_group;
}

std::array<bool, 5> wanted_orders(std::span<const Metric* const> metrics) {
  std::array<bool, 5> wanted{};
  for (const auto* metric : metrics)
    if (const auto* pieces = std::get_if<ByPieces>(&metric->how))
      for (auto n = pieces->first; n <= pieces->last; ++n) wanted.at(n) = true;
  return wanted;
}

std::array<PieceCounts, 5> count_pieces(std::span<const Metric* const> metrics,
                                        std::span<const Sample> samples,
                                        std::span<const std::uint32_t> groups, Tokenize tokenize,
                                        PieceVocabulary& vocabulary) {
  std::array<PieceCounts, 5> counts;
  const auto wanted = wanted_orders(metrics);
  if (std::ranges::find(wanted, true) == wanted.end()) return counts;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::vector<WordId> ids;
    std::string joined;
    for (const auto& word : small_words(samples[i].reply, tokenize)) {
      ids.push_back(vocabulary.words.add(word));
      (joined += word) += ' ';
    }
    if (wanted[0]) counts[0].add(vocabulary.replies.add(joined), groups[i]);
    for (unsigned n = 1; n < counts.size(); ++n) {
      if (!wanted[n]) continue;
      for (std::size_t first = 0; first + n <= ids.size(); ++first) {
        Window ngram = 0;
        for (auto at = first; at < first + n; ++at) ngram = ngram << 32U | ids[at];
        counts[n].add(ngram, groups[i]);
      }
    }
  }
  in_parallel(counts.size(), 1, [&](std::size_t n, std::size_t) { counts[n].finish(); });
  return counts;
}

/// The mean over the orders of what `value_of_order` gives.
template <typename ValueOfOrder>
double mean_over_orders(const ByPieces& metric, const ValueOfOrder& value_of_order) {
  double sum = 0;
  for (auto n = metric.first; n <= metric.last; ++n) sum += value_of_order(n);
  return sum / (metric.last - metric.first + 1);
}

double value_of_pieces(const ByPieces& metric, const Measurement& measurement) {
  return mean_over_orders(metric, [&](unsigned n) {
    return metric.value(piece_sums(measurement.pieces.at(n), metric.weight));
  });
}

std::optional<Interval> jackknife(const ByPieces& metric, const Measurement& measurement) {
  if (measurement.groups < kJackknifeBlocks) return std::nullopt;
  std::array<double, kJackknifeBlocks> without{};
  for (auto n = metric.first; n <= metric.last; ++n) {
    const auto sums = piece_sums_without(measurement.pieces.at(n), metric.weight, kJackknifeBlocks);
    for (std::size_t b = 0; b < kJackknifeBlocks; ++b)
      without.at(b) += metric.value(sums[b]) / (metric.last - metric.first + 1);
  }
  return jackknife_interval(value_of_pieces(metric, measurement), without);
}

Table total(const Table& rows) {
  Table sum{.rows = 1, .columns = rows.columns};
  for (std::size_t i = 0; i < rows.rows; ++i)
    for (std::size_t c = 0; c < rows.columns; ++c) sum.values[c] += rows.row(i)[c];
  return sum;
}

void fill_in(std::string& text, std::string_view place, std::string_view value) {
  if (const auto at = text.find(place); at != std::string::npos)
    text.replace(at, place.size(), value);
}

/// Who judged the replies; "var" where it was not always the same one.
std::string judge_of(std::span<const Sample> samples) {
  std::string judge;
  for (const auto& sample : samples) {
    if (sample.judgements.empty() || sample.judge == judge) continue;
    if (!judge.empty()) return "var";
    judge = sample.judge;
  }
  return judge;
}

std::string number_of_references(std::span<const Sample> samples) {
  if (samples.empty()) return "0";
  const auto number = samples.front().references.size();
  const bool is_one_number = std::ranges::all_of(
      samples, [&](const Sample& sample) { return sample.references.size() == number; });
  return is_one_number ? std::to_string(number) : "var";
}

}  // namespace

double Measurement::value_of(std::size_t i, std::span<const double> row) const {
  const auto& how = std::get<BySums>(metrics[i]->how);
  return how.value(row.subspan(columns[i], how.width), settings);
}

std::vector<double> Measurement::values() const {
  const auto sum = total(sums);
  std::vector<double> values;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const auto* how = std::get_if<ByPieces>(&metrics[i]->how);
    values.push_back(how != nullptr ? value_of_pieces(*how, *this) : value_of(i, sum.row(0)));
  }
  return values;
}

std::vector<std::uint64_t> Measurement::counted() const {
  const auto sum = total(sums);
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const auto* how = std::get_if<BySums>(&metrics[i]->how);
    numbers.push_back(
        how == nullptr || how->counted == nullptr
            ? replies
            : static_cast<std::uint64_t>(how->counted(sum.row(0).subspan(columns[i], how->width))));
  }
  return numbers;
}

std::vector<std::optional<Interval>> Measurement::intervals(std::size_t resamples,
                                                            std::uint64_t seed) const {
  const auto draws = resampled_sums(sums, resamples, seed);
  std::vector<std::optional<Interval>> all(metrics.size());
  in_parallel(metrics.size(), 1, [&](std::size_t i, std::size_t) {
    if (const auto* how = std::get_if<ByPieces>(&metrics[i]->how)) {
      all[i] = jackknife(*how, *this);
      return;
    }
    std::vector<double> values;
    for (std::size_t r = 0; r < resamples; ++r) values.push_back(value_of(i, draws.row(r)));
    all[i] = interval_over(groups, std::move(values));
  });
  return all;
}

Measurement measure(std::span<const Sample> samples, std::vector<const Metric*> metrics,
                    const MetricSettings& settings, PieceVocabulary& vocabulary) {
  const auto groups = group_numbers(samples);
  Measurement measurement;
  measurement.metrics = std::move(metrics);
  measurement.settings = settings;
  measurement.replies = samples.size();
  measurement.groups = groups.empty() ? 0 : std::size_t{std::ranges::max(groups)} + 1;
  const auto columns = place_columns(measurement);
  measurement.sums = sums_by_group(measurement, samples, groups, columns);
  measurement.pieces =
      count_pieces(measurement.metrics, samples, groups, settings.tokenize, vocabulary);
  return measurement;
}

Table resampled_sums(const Table& rows, std::size_t resamples, std::uint64_t seed) {
  Table sums{.rows = resamples, .columns = rows.columns};
  in_parallel(resamples, 16, [&](std::size_t begin, std::size_t end) {
    std::vector<std::uint32_t> times(rows.rows);
    for (auto r = begin; r < end; ++r) {
      std::ranges::fill(times, 0);
      for_each_drawn(rows.rows, seed, r, [&](std::size_t i) { ++times[i]; });
      double* const sum = sums.row(r).data();
      for (std::size_t i = 0; i < rows.rows; ++i) {
        if (times[i] == 0) continue;
        const double weight = times[i];
        const double* const row = rows.row(i).data();
        for (std::size_t c = 0; c < rows.columns; ++c) sum[c] += weight * row[c];
      }
    }
  });
  return sums;
}

std::string signature(const Metric& metric, const MetricSettings& settings,
                      std::span<const Sample> samples, std::string_view data_hash,
                      std::size_t resamples, std::uint64_t seed) {
  std::string text(metric.signature);
  fill_in(text, "{nrefs}", number_of_references(samples));
  const bool is_char = settings.tokenize == Tokenize::kCharacters;
  fill_in(text, "{tok}", kTokenizers.at(static_cast<std::size_t>(settings.tokenize)));
  fill_in(text, "{rouge}", is_char ? "char" : "rouge-latin-else-13a");
  fill_in(text, "{f1}", is_char ? "f1-char" : "f1");
  fill_in(text, "{smooth}", kSmoothingSignatures.at(static_cast<std::size_t>(settings.smoothing)));
  if (metric.need == Need::kJudgements) fill_in(text, "{judge}", judge_of(samples));
  if (settings.vectors != nullptr)
    fill_in(text, "{vectors}", settings.vectors->hash().substr(0, 12));
  const auto interval =
      std::holds_alternative<ByPieces>(metric.how)
          ? "jackknife-group-" + std::to_string(kJackknifeBlocks)
          : "bootstrap-group-" + std::to_string(resamples) + "-" + std::to_string(seed);
  return std::string(metric.name) + "|" + text + "|replies:" + std::to_string(samples.size()) +
         "|data:" + std::string(data_hash) + "|interval:" + interval + "|version:banter-" +
         BANTER_VERSION;
}

std::string hash_of_data(std::span<const Sample> samples) {
  base::Sha256 hash;
  const auto add = [&](const std::vector<std::string>& texts) {
    for (const auto& text : texts) hash.add(std::to_string(text.size()) + ":" + text);
    hash.add(";");
  };
  const auto groups = group_numbers(samples);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    add(samples[i].references);
    add(samples[i].context);
    if (!samples[i].persona.empty()) add(samples[i].persona);
    hash.add(std::to_string(groups[i]) + "\n");
  }
  return hash.hex().substr(0, 12);
}

}  // namespace banter::train
