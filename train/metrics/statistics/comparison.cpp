#include "train/metrics/statistics/comparison.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/random.h"
#include "train/metrics/statistics/in_parallel.h"
#include "train/metrics/texts/swapped_pieces.h"

namespace banter::train {
namespace {

/// Bit g % 64 of it says whether a trial swaps group g of these 64.
std::uint64_t swap_bits(std::uint64_t seed, std::size_t trial, std::size_t sixty_four) {
  return base::mix64(base::join_keys(seed, trial) + sixty_four);
}

/// The sums of the rows of 8 groups for each of their 256 choices.
void add_up_choices(const Table& rows, std::size_t first, Table& choices) {
  for (std::size_t choice = 1; choice < choices.rows; ++choice) {
    const auto group = first + static_cast<std::size_t>(std::countr_zero(choice));
    const auto without = choices.row(choice & (choice - 1));
    const auto sum = choices.row(choice);
    std::ranges::copy(without, sum.begin());
    if (group >= rows.rows) continue;
    const auto row = rows.row(group);
    for (std::size_t c = 0; c < rows.columns; ++c) sum[c] += row[c];
  }
}

/// For each trial the sum of the rows whose groups it swaps: (trials, columns). Rows are taken by
/// eights, whose sums are made once for all trials.
Table swapped_sums(const Table& rows, std::size_t trials, std::uint64_t seed) {
  Table sums{.rows = trials, .columns = rows.columns};
  const auto cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  in_parallel(trials, (trials + cores - 1) / cores, [&](std::size_t begin, std::size_t end) {
    Table choices{.rows = 256, .columns = rows.columns};
    for (std::size_t first = 0; first < rows.rows; first += 8) {
      add_up_choices(rows, first, choices);
      for (auto trial = begin; trial < end; ++trial) {
        const auto choice = swap_bits(seed, trial, first / 64) >> (first % 64) & 0xFFU;
        const double* const chosen = choices.row(choice).data();
        double* const sum = sums.row(trial).data();
        for (std::size_t c = 0; c < rows.columns; ++c) sum[c] += chosen[c];
      }
    }
  });
  return sums;
}

/// How many of the trials differ by at least as much, but for rounding; one more of one more.
double p_value(std::span<const double> trials, const Difference& real) {
  const double rounding = 1e-11 * (std::abs(real.first) + std::abs(real.second));
  const double wanted = std::abs(real.difference) - rounding;
  const auto at_least = std::ranges::count_if(trials, [&](double d) { return !(d < wanted); });
  return static_cast<double>(at_least + 1) / static_cast<double>(trials.size() + 1);
}

std::vector<double> absolute(std::span<const double> differences) {
  std::vector<double> sizes;
  sizes.reserve(differences.size());
  for (const double difference : differences) sizes.push_back(std::abs(difference));
  return sizes;
}

/// What a metric made of pieces needs for its trials: one for each of its orders.
struct PieceTrials {
  std::size_t metric = 0;
  std::vector<SwappedPieces> orders;
};

/// Which trials swap which groups, for SwappedPieces::kLanes trials: (groups, lanes).
std::vector<std::int32_t> swap_lanes(std::uint64_t seed, std::size_t first_trial,
                                     std::size_t groups) {
  constexpr auto kLanes = SwappedPieces::kLanes;
  std::vector<std::int32_t> swaps(groups * kLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    std::uint64_t bits = 0;
    for (std::size_t group = 0; group < groups; ++group) {
      if (group % 64 == 0) bits = swap_bits(seed, first_trial + lane, group / 64);
      swaps[group * kLanes + lane] = -static_cast<std::int32_t>(bits >> (group % 64) & 1U);
    }
  }
  return swaps;
}

/// The trials of an approximate randomisation of all metrics together.
class Randomisation {
 public:
  Randomisation(const Measurement& first, const Measurement& second, std::size_t trials,
                std::uint64_t seed)
      : first_(first), second_(second), trials_(trials), seed_(seed), changes_(changes_of_sums()) {
    auto column = first_.sums.columns;
    for (std::size_t m = 0; m < first_.metrics.size(); ++m) {
      const auto* how = std::get_if<ByPieces>(&first_.metrics[m]->how);
      if (how == nullptr) continue;
      auto& trial = pieces_.emplace_back(PieceTrials{.metric = m, .orders = {}});
      for (auto n = how->first; n <= how->last; ++n, column += SwappedPieces::kColumns)
        trial.orders.emplace_back(first_.pieces.at(n), second_.pieces.at(n), how->weight, changes_,
                                  column);
    }
    swapped_ = swapped_sums(changes_, trials_, seed_);
  }

  /// d* of every trial, by metric: (metrics, trials).
  Table differences(bool of_sums) {
    Table all{.rows = first_.metrics.size(), .columns = trials_};
    in_parallel(trials_, SwappedPieces::kLanes, [&](std::size_t begin, std::size_t end) {
      if (of_sums)
        for (auto trial = begin; trial < end; ++trial) of_sums_at(trial, all);
      if (!pieces_.empty()) of_pieces_at(begin, end, all);
    });
    return all;
  }

 private:
  /// A table as wide as all metrics need, with what each group's sums differ by.
  [[nodiscard]] Table changes_of_sums() const {
    auto columns = first_.sums.columns;
    for (const auto* metric : first_.metrics)
      if (const auto* how = std::get_if<ByPieces>(&metric->how))
        columns += SwappedPieces::kColumns * (how->last - how->first + 1);
    Table changes{.rows = first_.groups, .columns = columns};
    for (std::size_t g = 0; g < first_.groups; ++g)
      for (std::size_t c = 0; c < first_.sums.columns; ++c)
        changes.row(g)[c] = second_.sums.row(g)[c] - first_.sums.row(g)[c];
    return changes;
  }

  void of_sums_at(std::size_t trial, Table& all) const {
    std::vector<double> first = total_first_, second = total_second_;
    for (std::size_t c = 0; c < first.size(); ++c) {
      first[c] += swapped_.row(trial)[c];
      second[c] -= swapped_.row(trial)[c];
    }
    for (std::size_t m = 0; m < first_.metrics.size(); ++m)
      if (std::holds_alternative<BySums>(first_.metrics[m]->how))
        all.row(m)[trial] = first_.value_of(m, first) - second_.value_of(m, second);
  }

  void of_pieces_at(std::size_t begin, std::size_t end, Table& all) const {
    const auto swaps = swap_lanes(seed_, begin, first_.groups);
    for (const auto& [m, orders] : pieces_) {
      const auto& how = std::get<ByPieces>(first_.metrics[m]->how);
      std::vector<double> differences(end - begin);
      for (const auto& order : orders) {
        const auto sums = order.sums(swaps, swapped_, begin, end - begin);
        for (std::size_t l = 0; l < sums.size(); ++l)
          differences[l] += how.value(sums[l].first) - how.value(sums[l].second);
      }
      for (std::size_t l = 0; l < differences.size(); ++l)
        all.row(m)[begin + l] = differences[l] / static_cast<double>(orders.size());
    }
  }

  static std::vector<double> total(const Table& rows) {
    std::vector<double> sum(rows.columns);
    for (std::size_t i = 0; i < rows.rows; ++i)
      for (std::size_t c = 0; c < rows.columns; ++c) sum[c] += rows.row(i)[c];
    return sum;
  }

  const Measurement& first_;
  const Measurement& second_;
  std::size_t trials_;
  std::uint64_t seed_;
  std::vector<double> total_first_ = total(first_.sums), total_second_ = total(second_.sums);
  Table changes_;
  std::vector<PieceTrials> pieces_;
  Table swapped_;
};

/// |d*| - mean |d*| of draws of the same groups for both systems, by metric; 0 for those of pieces.
Table bootstrap_differences(const Measurement& first, const Measurement& second,
                            std::size_t resamples, std::uint64_t seed) {
  const auto draws = resampled_sums(first.sums, resamples, seed);
  const auto others = resampled_sums(second.sums, resamples, seed);
  Table all{.rows = first.metrics.size(), .columns = resamples};
  for (std::size_t m = 0; m < all.rows; ++m) {
    if (!std::holds_alternative<BySums>(first.metrics[m]->how)) continue;
    double mean = 0;
    for (std::size_t r = 0; r < resamples; ++r) {
      const double difference =
          std::abs(first.value_of(m, draws.row(r)) - second.value_of(m, others.row(r)));
      all.row(m)[r] = difference;
      mean += difference / static_cast<double>(resamples);
    }
    for (double& difference : all.row(m)) difference -= mean;
  }
  return all;
}

}  // namespace

bool is_swapped(std::uint64_t seed, std::size_t trial, std::size_t group) {
  return (swap_bits(seed, trial, group / 64) >> (group % 64) & 1U) != 0;
}

std::vector<Difference> compare(const Measurement& first, const Measurement& second,
                                PairedTest test, std::size_t trials, std::uint64_t seed) {
  const auto values = first.values(), others = second.values();
  const bool draws = test == PairedTest::kBootstrap;
  const auto swaps = Randomisation(first, second, trials, seed).differences(!draws);
  const auto drawn = draws ? bootstrap_differences(first, second, trials, seed) : Table{};
  std::vector<Difference> differences;
  for (std::size_t m = 0; m < first.metrics.size(); ++m) {
    const bool is_drawn = draws && std::holds_alternative<BySums>(first.metrics[m]->how);
    Difference one{.first = values[m],
                   .second = others[m],
                   .difference = values[m] - others[m],
                   .p = 1,
                   .test = is_drawn ? PairedTest::kBootstrap : PairedTest::kRandomisation};
    one.p = is_drawn ? p_value(drawn.row(m), one) : p_value(absolute(swaps.row(m)), one);
    differences.push_back(one);
  }
  return differences;
}

std::vector<Difference> compare_runs(std::span<const Measurement> first,
                                     std::span<const Measurement> second, std::size_t trials,
                                     std::uint64_t seed) {
  const auto metrics = first.front().metrics.size();
  const double share = 1.0 / static_cast<double>(first.size());
  std::vector<Difference> means(metrics);
  Table mean{.rows = metrics, .columns = trials};
  for (std::size_t run = 0; run < first.size(); ++run) {
    const auto values = first[run].values(), others = second[run].values();
    const auto swaps =
        Randomisation(first[run], second[run], trials, seed).differences(/*of_sums=*/true);
    for (std::size_t i = 0; i < mean.values.size(); ++i) mean.values[i] += share * swaps.values[i];
    for (std::size_t m = 0; m < metrics; ++m) {
      means[m].first += share * values[m];
      means[m].second += share * others[m];
    }
  }
  for (std::size_t m = 0; m < metrics; ++m) {
    means[m].difference = means[m].first - means[m].second;
    means[m].p = p_value(absolute(mean.row(m)), means[m]);
  }
  return means;
}

}  // namespace banter::train
