#include "train/metrics/likelihoods/ranking_file.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/input/lines.h"
#include "train/metrics/statistics/groups.h"
#include "train/metrics/texts/f1.h"

namespace banter::train {
namespace {

namespace json = base::json;

std::vector<double> scores_of(const json::object& object, const std::string& where) {
  std::vector<double> scores;
  for (const auto& value : base::array_field(object, "scores", where)) {
    json::error_code error;
    const auto score = value.to_number<double>(error);
    if (error || !std::isfinite(score))
      throw base::DataError(where + ": \"scores\" holds something that is no finite number");
    scores.push_back(score);
  }
  return scores;
}

/// Takes the scores of candidates away that have the true reply's words.
void drop_equal(const json::object& object, const std::string& where, std::size_t& answer,
                std::vector<double>& scores) {
  std::vector<std::vector<std::string>> words;
  for (const auto& value : base::array_field(object, "candidates", where))
    words.push_back(f1_words(base::as_string(value, where + ", \"candidates\"")));
  if (words.size() != scores.size())
    throw base::DataError(where + ": has " + std::to_string(words.size()) + " candidates and " +
                          std::to_string(scores.size()) + " scores");
  std::vector<double> kept;
  std::size_t place = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (i != answer && words[i] == words[answer]) continue;
    if (i == answer) place = kept.size();
    kept.push_back(scores[i]);
  }
  answer = place;
  scores = std::move(kept);
}

Rank rank_of_line(std::string_view line, const std::string& where, Groups& groups) {
  const auto object = base::as_object(base::parse_json(line, where), where);
  auto scores = scores_of(object, where);
  if (scores.empty()) throw base::DataError(where + ": \"scores\" is empty");
  const auto* value = object.if_contains("answer");
  const auto place = value != nullptr && value->is_int64() ? value->get_int64() : -1;
  if (place < 0 || place >= std::ssize(scores))
    throw base::DataError(where +
                          ": \"answer\" must be the place of the true reply in \"scores\", 0 to " +
                          std::to_string(std::ssize(scores) - 1));
  auto answer = static_cast<std::size_t>(place);
  if (object.contains("candidates")) drop_equal(object, where, answer, scores);
  return {.group = groups.number(name_of_group(object)),
          .rank = rank_of(scores, answer),
          .candidates = static_cast<std::uint32_t>(scores.size())};
}

}  // namespace

std::vector<Rank> read_rankings(const std::string& path) {
  const base::MappedFile file(path);
  const auto name = base::printable(path, 1000);
  std::vector<Rank> ranks;
  Groups groups;
  std::uint64_t number = 0;
  for (auto rest = file.text(); !rest.empty();) {
    const auto line = data::take_line(rest);
    ++number;
    if (base::is_blank(line)) continue;
    const auto rank = rank_of_line(line, name + ":" + std::to_string(number), groups);
    if (rank.candidates > 1) ranks.push_back(rank);  // else there is nothing to choose
  }
  if (ranks.empty()) throw base::DataError(name + ": no line has candidates beside the true reply");
  return ranks;
}

}  // namespace banter::train
