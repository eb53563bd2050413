#include "train/metrics/likelihoods/turn_fits.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

double ppl_of(std::span<const double> place) { return std::exp(place[0] / place[1]); }

bool has_reply(std::span<const double> row) {
  return std::ranges::any_of(row, [](double sum) { return sum != 0; });
}

/// The rows that have a reply.
Table with_replies(const Table& rows) {
  Table kept{.rows = 0, .columns = rows.columns};
  for (std::size_t i = 0; i < rows.rows; ++i) {
    if (!has_reply(rows.row(i))) continue;
    kept.values.insert(kept.values.end(), rows.row(i).begin(), rows.row(i).end());
    ++kept.rows;
  }
  return kept;
}

}  // namespace

void TurnSums::add(std::size_t dialogue, std::uint32_t turn, const Likelihood& reply) {
  const auto place = std::min<std::uint32_t>(turn + 1, kLast) - kFirst;
  const auto sums = sums_.row(dialogue).subspan(place * kWidth, kWidth);
  sums[0] += reply.nll;
  sums[1] += reply.labels;
  sums[2] += reply.replies;
}

std::vector<TurnSums::Fit> TurnSums::fits(std::size_t resamples, std::uint64_t seed) const {
  const auto rows = with_replies(sums_);
  const auto draws = resampled_sums(rows, resamples, seed);
  std::vector<double> total(rows.columns);
  for (std::size_t i = 0; i < rows.rows; ++i)
    for (std::size_t c = 0; c < rows.columns; ++c) total[c] += rows.row(i)[c];
  std::vector<Fit> fits;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    const auto sums = std::span(total).subspan(place * kWidth, kWidth);
    if (sums[2] == 0) continue;
    std::vector<double> values;
    for (std::size_t r = 0; r < resamples; ++r)
      values.push_back(ppl_of(draws.row(r).subspan(place * kWidth, kWidth)));
    const auto turn = kFirst + place;
    fits.push_back({.name = "ppl_turn_" + std::to_string(turn) + (turn == kLast ? "+" : ""),
                    .ppl = ppl_of(sums),
                    .interval = interval_over(rows.rows, std::move(values)),
                    .labels = static_cast<std::uint64_t>(sums[1]),
                    .replies = static_cast<std::uint64_t>(sums[2])});
  }
  return fits;
}

json::object to_json(std::span<const TurnSums::Fit> fits) {
  json::object object;
  for (const auto& fit : fits)
    object[fit.name] = {{"value", number_or_null(fit.ppl)},
                        {"low", number_or_null(fit.interval.low)},
                        {"high", number_or_null(fit.interval.high)},
                        {"count", fit.labels},
                        {"replies", fit.replies}};
  return object;
}

void print(std::ostream& out, std::span<const TurnSums::Fit> fits) {
  std::vector<std::vector<std::string>> rows = {{"metric", "value", "95 % interval", "replies"}};
  for (const auto& fit : fits)
    rows.push_back(
        {fit.name, fixed(fit.ppl, 2), bounds(fit.interval, 2), std::to_string(fit.replies)});
  print_table(out, rows);
}

}  // namespace banter::train
