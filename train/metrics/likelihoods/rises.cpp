#include "train/metrics/likelihoods/rises.h"

#include <ostream>

#include "train/metrics/texts/scores.h"

namespace banter::train {

namespace json = base::json;

Rise::Rise(std::string_view metric, std::span<const Likelihood> plain,
           std::span<const Likelihood> altered, std::string_view how)
    : name(metric), signature(name + "|" + std::string(how)) {
  const auto sum = total(altered);
  nll_word = sum.nll_word();
  words = sum.words;
  value = nll_word - total(plain).nll_word();
  const auto draws = resample(altered), others = resample(plain);
  std::vector<double> values;
  for (std::size_t r = 0; r < draws.size(); ++r)
    values.push_back(draws[r].nll_word() - others[r].nll_word());
  interval = interval_over(plain.size(), std::move(values));
}

json::object to_json(std::span<const Rise> rises) {
  json::object object;
  for (const auto& rise : rises)
    object[rise.name] = {{"value", number_or_null(rise.value)},
                         {"low", number_or_null(rise.interval.low)},
                         {"high", number_or_null(rise.interval.high)},
                         {"unit", "nats a word"},
                         {"nll_word", number_or_null(rise.nll_word)},
                         {"count", rise.words},
                         {"signature", rise.signature}};
  return object;
}

void print(std::ostream& out, std::span<const Rise> rises) {
  std::vector<std::vector<std::string>> rows = {
      {"metric", "value", "95 % interval", "nll_word", "signature"}};
  for (const auto& rise : rises)
    rows.push_back({rise.name, fixed(rise.value, 4), bounds(rise.interval, 4),
                    fixed(rise.nll_word, 3), rise.signature});
  print_table(out, rows);
}

}  // namespace banter::train
