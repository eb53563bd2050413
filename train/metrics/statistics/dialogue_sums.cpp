#include "train/metrics/statistics/dialogue_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/input/lines.h"

namespace banter::train {
namespace {

namespace json = base::json;

double ratio(std::span<const double> sums, const MetricSettings& /*settings*/) {
  return sums[1] == 0 ? std::numeric_limits<double>::quiet_NaN() : sums[0] / sums[1];
}

/// Stands for every metric of this kind in a measurement.
const Metric kRatio{"ratio",
                    "a sum over a count",
                    "",
                    4,
                    Need::kNothing,
                    "",
                    BySums{.width = 2, .add = nullptr, .value = ratio, .counted = nullptr}};

DialogueSum sum_of(const json::value& value, const std::string& where) {
  const auto fail = [&]() -> DialogueSum {
    throw base::DataError(where + ": expected a list of two numbers, sum and count");
  };
  if (!value.is_array() || value.get_array().size() != 2) return fail();
  const auto& pair = value.get_array();
  if (!pair[0].is_number() || !pair[1].is_number()) return fail();
  return {.sum = pair[0].to_number<double>(), .count = pair[1].to_number<double>()};
}

}  // namespace

void DialogueSums::add_hits(std::span<const Rank> ranks, std::span<const unsigned> ks) {
  for (const auto& rank : ranks)
    for (const auto k : ks) {
      auto& sums = by_dialogue_[rank.group][std::string(kHits) + std::to_string(k)];
      sums.sum += rank.rank <= k ? 1 : 0;
      sums.count += 1;
    }
}

void DialogueSums::add_rise(std::string_view metric, std::span<const std::uint64_t> groups,
                            std::span<const Likelihood> plain,
                            std::span<const Likelihood> altered) {
  for (std::size_t i = 0; i < groups.size(); ++i)
    by_dialogue_[groups[i]][std::string(metric)] = {.sum = altered[i].nll - plain[i].nll,
                                                    .count = plain[i].words};
}

void DialogueSums::add_pair(std::uint64_t group, const PairFit& fit) {
  auto& metrics = by_dialogue_[group];
  auto& accuracy = metrics["accuracy"];
  auto& loss = metrics["loss"];
  accuracy.sum += fit.correct;
  loss.sum += fit.nll;
  accuracy.count += fit.pairs;
  loss.count += fit.pairs;
}

void DialogueSums::write(const std::filesystem::path& file) const {
  std::string text;
  for (const auto& [dialogue, metrics] : by_dialogue_) {
    json::object line = {{"dialogue", dialogue}};
    for (const auto& [name, sums] : metrics) {
      if (!std::isfinite(sums.sum))  // JSON has no number for it
        throw base::DataError("dialogue " + std::to_string(dialogue) + ": " + name +
                              " is no finite number: the model has diverged");
      line[name] = json::array{sums.sum, sums.count};
    }
    text += json::serialize(line) + "\n";
  }
  base::write_durably(file, text);
}

DialogueSums DialogueSums::read(const std::filesystem::path& file) {
  const base::MappedFile mapped(file);
  DialogueSums sums;
  std::size_t number = 0;
  for (auto rest = mapped.text(); !rest.empty();) {
    const auto where = file.string() + ":" + std::to_string(++number);
    const auto line = base::as_object(base::parse_json(data::take_line(rest), where), where);
    auto& metrics =
        sums.by_dialogue_[static_cast<std::uint64_t>(base::integer_field(line, "dialogue", where))];
    for (const auto& [key, value] : line)
      if (key != "dialogue")
        metrics[std::string(key)] = sum_of(value, where + ": \"" + std::string(key) + "\"");
  }
  return sums;
}

bool DialogueSums::has(const std::string& metric) const {
  return std::ranges::any_of(by_dialogue_,
                             [&](const auto& one) { return one.second.contains(metric); });
}

bool DialogueSums::is_comparable(const DialogueSums& other, const std::string& metric) const {
  const auto counts_of = [&](const DialogueSums& sums) {
    std::map<std::uint64_t, double> counts;
    for (const auto& [dialogue, metrics] : sums.by_dialogue_)
      if (const auto found = metrics.find(metric); found != metrics.end())
        counts.emplace(dialogue, found->second.count);
    return counts;
  };
  return counts_of(*this) == counts_of(other);
}

Measurement DialogueSums::measurement(std::span<const std::string> metrics) const {
  Measurement measurement;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    measurement.metrics.push_back(&kRatio);
    measurement.columns.push_back(2 * m);
  }
  auto& sums = measurement.sums;
  sums.columns = 2 * metrics.size();
  for (const auto& [dialogue, known] : by_dialogue_) {
    const auto is_known = [&](const std::string& name) { return known.contains(name); };
    if (std::ranges::none_of(metrics, is_known)) continue;
    for (const auto& name : metrics) {
      const auto one = is_known(name) ? known.at(name) : DialogueSum{};
      sums.values.insert(sums.values.end(), {one.sum, one.count});
    }
    ++sums.rows;
  }
  measurement.groups = sums.rows;
  return measurement;
}

}  // namespace banter::train
