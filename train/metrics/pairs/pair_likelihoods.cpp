#include "train/metrics/pairs/pair_likelihoods.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/input/lines.h"

namespace banter::train {
namespace {

namespace json = base::json;

json::object to_json(const PairLikelihood& pair, const std::vector<std::string>& readings) {
  json::object line{{"pair", pair.pair},
                    {"group", pair.group},
                    {"label", data::to_text(pair.label)},
                    {"labels", static_cast<std::uint64_t>(pair.labels)}};
  for (std::size_t r = 0; r < readings.size(); ++r) {
    const auto& nll = pair.nll[r];
    if (!std::isfinite(nll.own) || !std::isfinite(nll.shuffled))  // JSON has no number for it
      throw base::DataError("pair " + std::to_string(pair.pair) + ": its " + readings[r] +
                            " is no finite number: the model has diverged");
    line[readings[r]] = json::array{nll.own, nll.shuffled};
  }
  return line;
}

PairLikelihood::Nll nll_of(const json::value& value, const std::string& where) {
  if (!value.is_array() || value.get_array().size() != 2 || !value.get_array()[0].is_number() ||
      !value.get_array()[1].is_number())
    throw base::DataError(where +
                          ": expected a list of two numbers, of the own premise and of "
                          "another one");
  const auto& both = value.get_array();
  return {.own = both[0].to_number<double>(), .shuffled = both[1].to_number<double>()};
}

bool is_of_the_pair(std::string_view key) {
  return key == "pair" || key == "group" || key == "label" || key == "labels";
}

std::vector<std::string> readings_of(const json::object& line) {
  std::vector<std::string> readings;
  for (const auto& [key, value] : line)
    if (!is_of_the_pair(key)) readings.emplace_back(key);
  return readings;
}

PairLikelihood from_json(const json::object& line, const std::vector<std::string>& readings,
                         const std::string& where) {
  PairLikelihood pair;
  pair.pair = static_cast<std::uint64_t>(base::integer_field(line, "pair", where));
  pair.group = static_cast<std::uint64_t>(base::integer_field(line, "group", where));
  const auto name = base::string_field(line, "label", where);
  const auto label = data::label_named(name);
  if (!label || *label == data::Label::kNeutral)
    throw base::DataError(where + ": label \"" + std::string(name) +
                          "\" is neither entailment nor contradiction");
  pair.label = *label;
  pair.labels = static_cast<double>(base::integer_field(line, "labels", where));
  for (const auto& reading : readings)
    pair.nll.push_back(nll_of(base::field(line, reading, where), where + ": " + reading));
  return pair;
}

auto what_is_asked(const PairLikelihood& pair) {
  return std::tuple(pair.pair, pair.group, pair.label);
}

}  // namespace

void write_pair_likelihoods(const std::filesystem::path& file, const PairLikelihoods& likelihoods) {
  std::string text;
  for (const auto& pair : likelihoods.pairs)
    text += json::serialize(to_json(pair, likelihoods.readings)) + "\n";
  base::write_durably(file, text);
}

PairLikelihoods read_pair_likelihoods(const std::filesystem::path& file) {
  const base::MappedFile mapped(file);
  PairLikelihoods likelihoods;
  for (auto rest = mapped.text(); !rest.empty();) {
    const auto where = file.string() + ":" + std::to_string(likelihoods.pairs.size() + 1);
    const auto value = base::parse_json(data::take_line(rest), where);
    const auto& line = base::as_object(value, where);
    if (likelihoods.pairs.empty()) likelihoods.readings = readings_of(line);
    likelihoods.pairs.push_back(from_json(line, likelihoods.readings, where));
  }
  return likelihoods;
}

bool are_same_pairs(const PairLikelihoods& a, const PairLikelihoods& b) {
  return std::ranges::equal(a.pairs, b.pairs, {}, what_is_asked, what_is_asked);
}

}  // namespace banter::train
