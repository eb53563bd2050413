#include "train/evaluation/pairs/report.h"

#include <map>
#include <ostream>
#include <utility>
#include <vector>

#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

using Takes = std::function<bool(const JudgedPair&)>;
constexpr int kDigits = 4;

bool all(const JudgedPair& /*pair*/) { return true; }

/// The parts of a split that are told apart, with how many pairs each has.
struct Part {
  std::string name;
  Takes takes;
  std::uint64_t pairs = 0;
};

std::vector<Part> parts_by(const PairEvaluation& evaluation,
                           std::string (*name_of)(const JudgedPair&)) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& pair : evaluation.pairs) ++counts[name_of(pair)];
  std::vector<Part> parts;
  for (const auto& [name, count] : counts)
    parts.push_back(
        {name, [name, name_of](const JudgedPair& p) { return name_of(p) == name; }, count});
  return parts;
}

std::string label_of(const JudgedPair& pair) { return std::string(data::to_text(pair.label)); }
std::string source_of(const JudgedPair& pair) {
  return pair.source.empty() ? "(no source)" : pair.source;
}

json::object figure(const std::vector<PairFit>& groups, double (PairFit::*value)() const) {
  const auto interval = interval_of(groups, value);
  const auto sum = total(groups);
  return {{"value", number_or_null((sum.*value)())},
          {"low", number_or_null(interval.low)},
          {"high", number_or_null(interval.high)},
          {"count", sum.pairs}};
}

json::object parts_to_json(const PairEvaluation& evaluation, const std::vector<Part>& parts) {
  json::object object;
  for (const auto& part : parts) {
    json::object row{{"pairs", part.pairs}};
    for (const auto& system : evaluation.systems)
      row[system.name] = figure(evaluation.groups(system, part.takes), &PairFit::accuracy);
    object[part.name] = std::move(row);
  }
  return object;
}

void print_parts(std::ostream& out, const PairEvaluation& evaluation, const std::string& title,
                 const std::vector<Part>& parts) {
  std::vector<std::vector<std::string>> table = {{title, "pairs"}};
  for (const auto& system : evaluation.systems) table[0].push_back(system.name);
  for (const auto& part : parts) {
    auto& row = table.emplace_back(std::vector<std::string>{part.name, std::to_string(part.pairs)});
    for (const auto& system : evaluation.systems)
      row.push_back(fixed(total(evaluation.groups(system, part.takes)).accuracy(), kDigits));
  }
  out << "\n";
  print_table(out, table);
}

}  // namespace

json::object to_json(const PairReportHead& head, const PairEvaluation& evaluation) {
  const auto& model = evaluation.systems.front();
  const auto groups = evaluation.groups(model, all);
  json::object answer = {{"run", head.run},
                         {"store", head.store},
                         {"signature", head.signature},
                         {"counts",
                          {{"pairs", evaluation.pairs.size()},
                           {"groups", groups.size()},
                           {"baseline_pairs", evaluation.baseline_pairs}}}};
  for (const auto& system : evaluation.systems)
    answer[system.name] = {
        {"accuracy", figure(evaluation.groups(system, all), &PairFit::accuracy)}};
  answer[model.name].as_object()["loss"] = figure(groups, &PairFit::loss);
  answer["by_label"] = parts_to_json(evaluation, parts_by(evaluation, label_of));
  answer["by_source"] = parts_to_json(evaluation, parts_by(evaluation, source_of));
  return answer;
}

void print(std::ostream& out, const PairReportHead& head, const PairEvaluation& evaluation) {
  const auto groups = evaluation.groups(evaluation.systems.front(), all);
  out << head.run << " on " << head.split << " of " << head.store << ": " << evaluation.pairs.size()
      << " pairs of " << groups.size() << " groups; nats a pair "
      << fixed(total(groups).loss(), kDigits) << " "
      << bounds(interval_of(groups, &PairFit::loss), kDigits) << "\n\n";
  std::vector<std::vector<std::string>> table = {{"", "accuracy"}};
  for (const auto& system : evaluation.systems) {
    const auto sums = evaluation.groups(system, all);
    table.push_back({system.name, fixed(total(sums).accuracy(), kDigits) + " " +
                                      bounds(interval_of(sums, &PairFit::accuracy), kDigits)});
  }
  print_table(out, table);
  out << "[95 % intervals over groups]  " << head.signature << "\n";
  print_parts(out, evaluation, "by label", parts_by(evaluation, label_of));
  print_parts(out, evaluation, "by source", parts_by(evaluation, source_of));
}

}  // namespace banter::train
