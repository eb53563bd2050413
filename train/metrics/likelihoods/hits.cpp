#include "train/metrics/likelihoods/hits.h"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <unordered_map>

#include "train/metrics/texts/measure.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// By group the number of replies, then for each k how many of them came among the first k.
Table counts_by_group(std::span<const Rank> ranks, std::span<const unsigned> ks) {
  std::unordered_map<std::uint64_t, std::size_t> numbers;
  for (const auto& rank : ranks) numbers.try_emplace(rank.group, numbers.size());
  Table counts{.rows = numbers.size(), .columns = 1 + ks.size()};
  for (const auto& rank : ranks) {
    const auto row = counts.row(numbers.at(rank.group));
    ++row[0];
    for (std::size_t i = 0; i < ks.size(); ++i) row[1 + i] += rank.rank <= ks[i] ? 1 : 0;
  }
  return counts;
}

double chance_of(std::span<const Rank> ranks, unsigned k) {
  double sum = 0;
  for (const auto& rank : ranks) sum += std::min(1.0, static_cast<double>(k) / rank.candidates);
  return sum / static_cast<double>(ranks.size());
}

std::string name_of(const Hits& hits) { return std::string(kHits) + std::to_string(hits.k); }

}  // namespace

std::uint32_t rank_of(std::span<const double> scores, std::size_t answer) {
  const auto not_below =
      std::ranges::count_if(scores, [&](double score) { return score >= scores[answer]; });
  return static_cast<std::uint32_t>(not_below);  // it is one of them
}

std::vector<unsigned> hits_named(std::string_view name) {
  if (name == kHits.substr(0, kHits.size() - 1)) return {kUsualHits.begin(), kUsualHits.end()};
  if (!name.starts_with(kHits)) return {};
  name.remove_prefix(kHits.size());
  unsigned k = 0;
  const auto [end, error] = std::from_chars(name.begin(), name.end(), k);
  if (error != std::errc() || end != name.end() || name.starts_with('0')) return {};
  return {k};
}

Ranking::Ranking(std::span<const Rank> ranks, std::span<const unsigned> ks, std::string_view how,
                 std::size_t resamples, std::uint64_t seed)
    : replies(ranks.size()) {
  const auto [fewest, most] = std::ranges::minmax(ranks, {}, &Rank::candidates);
  fewest_candidates = fewest.candidates;
  most_candidates = most.candidates;
  for (const auto& rank : ranks)
    mean_candidates += static_cast<double>(rank.candidates) / static_cast<double>(ranks.size());

  const auto counts = counts_by_group(ranks, ks);
  const auto draws = resampled_sums(counts, resamples, seed);
  for (std::size_t i = 0; i < ks.size(); ++i) {
    std::vector<double> values;
    for (std::size_t r = 0; r < resamples; ++r)
      values.push_back(draws.row(r)[1 + i] / draws.row(r)[0]);
    const auto among =
        std::ranges::count_if(ranks, [&](const Rank& rank) { return rank.rank <= ks[i]; });
    hits.push_back({.k = ks[i],
                    .value = static_cast<double>(among) / static_cast<double>(replies),
                    .interval = interval_over(counts.rows, std::move(values)),
                    .chance = chance_of(ranks, ks[i])});
  }
  signature = std::string(how) + "|ties:against|candidates:" + std::to_string(fewest_candidates) +
              "-" + std::to_string(most_candidates) + "|replies:" + std::to_string(replies) +
              "|interval:bootstrap-group-" + std::to_string(resamples) + "-" +
              std::to_string(seed) + "|version:banter-" + BANTER_VERSION;
}

json::object Ranking::to_json() const {
  json::object object = {
      {"replies", replies},
      {"candidates",
       {{"mean", mean_candidates}, {"fewest", fewest_candidates}, {"most", most_candidates}}}};
  for (const auto& one : hits)
    object[name_of(one)] = {{"value", one.value},
                            {"low", number_or_null(one.interval.low)},
                            {"high", number_or_null(one.interval.high)},
                            {"unit", "0 to 1"},
                            {"chance", one.chance},
                            {"count", replies},
                            {"signature", name_of(one) + "|" + signature}};
  return object;
}

void Ranking::print(std::ostream& out) const {
  out << replies << " replies, each among " << fixed(mean_candidates, 1) << " candidates ("
      << fewest_candidates << " to " << most_candidates << "), the true one counted\n";
  std::vector<std::vector<std::string>> rows = {
      {"metric", "value", "95 % interval", "chance", "signature"}};
  for (const auto& one : hits)
    rows.push_back({name_of(one), fixed(one.value, 4), bounds(one.interval, 4),
                    fixed(one.chance, 4), name_of(one) + "|" + signature});
  print_table(out, rows);
}

}  // namespace banter::train
