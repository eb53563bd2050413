#include "train/experiment/notes.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "train/experiment/references.h"
#include "train/metrics/pairs/pair_metrics.h"
#include "train/metrics/texts/metric.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

/// Says where runs with one seed learned from different numbers of labels: orders differ by seed
/// and by what is learned from, and with them what is left over at the end.
void note_unequal_labels(const GridResults& results, std::vector<std::string>& notes) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::set<std::int64_t>> labels;
  for (const auto& run : results.finished) {
    const auto& amounts = run.facts.learned_from;  // a classifier's are pairs alone
    const auto* of = amounts.contains("replies") ? "replies" : "pairs";
    labels[{run.cell->seed, amounts.contains(of) ? amounts.at(of) : 0}].insert(run.facts.labels);
  }
  for (const auto& [of, numbers] : labels)
    if (numbers.size() > 1)
      notes.push_back("The runs with seed " + std::to_string(of.first) +
                      (of.second > 0 ? " on " + std::to_string(of.second) + " examples" : "") +
                      " learned from different numbers of labels (" +
                      std::to_string(*numbers.begin()) + " to " +
                      std::to_string(*numbers.rbegin()) + "): rows had unequal work.");
}

bool is_of_pairs(const std::string& metric) { return pair_column(metric).metric != nullptr; }

/// Says where the checkpoint of a run was chosen by what it is measured on: a classifier's by the
/// pairs of its `valid_split`, a dialogue model's by the replies of it, whatever pairs are there.
void note_choice(const GridResults& results, const EvaluationOptions& evaluate,
                 std::vector<std::string>& notes) {
  const auto is_chosen_there = [&](const CellResult& run) {
    return run.cell->valid_split == evaluate.split;
  };
  const auto chosen = std::ranges::find_if(results.finished, is_chosen_there);
  if (evaluate.checkpoint != "best" || chosen == results.finished.end() ||
      std::ranges::all_of(evaluate.metrics, is_of_pairs))
    return;
  const bool is_classifier = chosen->cell->judged_on == JudgedOn::kPairs;
  notes.push_back("The best checkpoints were chosen on the split " + evaluate.split +
                  ", on which they are measured: on other " +
                  (is_classifier ? "pairs" : "dialogues") +
                  " all rows would probably be a little worse.");
}

/// Says where the pairs that dialogue models are measured on stand beside the dialogues whose
/// replies chose the checkpoints: pairs are often made from these.
void note_choice_beside_pairs(const GridResults& results, const EvaluationOptions& evaluate,
                              std::vector<std::string>& notes) {
  const auto is_chosen_beside = [&](const CellResult& run) {
    const auto& cell = *run.cell;
    return cell.valid_split == evaluate.pairs_split &&
           (evaluate.pairs->empty() || *evaluate.pairs == cell.store);
  };
  if (evaluate.checkpoint == "best" && evaluate.pairs &&
      std::ranges::any_of(evaluate.metrics, is_of_pairs) &&
      std::ranges::any_of(results.finished, is_chosen_beside))
    notes.push_back("The best checkpoints were chosen by the dialogues of the split " +
                    evaluate.pairs_split +
                    ", in which the measured pairs stand, too: where pairs were made from these "
                    "dialogues, those of others would probably give a little worse figures.");
}

/// What the corpus's own replies reach by the classifier that judged those of the runs; nothing
/// where it judged none.
void note_references(const GridResults& results, const std::vector<Column>& columns,
                     std::vector<std::string>& notes) {
  for (const auto& column : columns) {
    const auto metric = std::ranges::find(known_metrics(), column.name, &Metric::name);
    if (metric == known_metrics().end() || metric->need != Need::kJudgements) continue;
    if (const auto value = reference_value(results, "reference", column))
      notes.push_back("The corpus's own replies have " + column.name + " " +
                      fixed(*value, column.digits) + ", judged by the same classifier.");
  }
}

}  // namespace

std::vector<std::string> notes_on(const GridResults& results, const EvaluationOptions& evaluate,
                                  const std::vector<Column>& columns) {
  std::vector<std::string> notes;
  std::set<std::string> trained, measured;
  std::size_t by_clock = 0;
  for (const auto& run : results.finished) {
    trained.insert(run.version);
    measured.insert(run.measured_by);
    by_clock += run.facts.why == "minutes" ? 1 : 0;
  }
  if (!results.open.empty())
    notes.push_back(std::to_string(results.open.size()) + " of " +
                    std::to_string(results.open.size() + results.finished.size()) +
                    " runs are not finished: this is a part of the comparison.");
  note_unequal_labels(results, notes);
  if (by_clock > 0)
    notes.push_back(std::to_string(by_clock) +
                    " runs were stopped by the clock: they depend on the machine's speed.");
  if (trained.size() > 1)
    notes.emplace_back("The runs were trained by different versions of the program.");
  if (measured.size() > 1)
    notes.emplace_back("The runs were measured by different versions of the program.");
  note_choice(results, evaluate, notes);
  note_choice_beside_pairs(results, evaluate, notes);
  note_references(results, columns, notes);
  return notes;
}

}  // namespace banter::train
