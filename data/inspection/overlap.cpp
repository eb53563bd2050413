#include "data/inspection/overlap.h"

#include <iomanip>

#include "base/utf8.h"
#include "data/inspection/reports/corpus_report.h"
#include "data/inspection/reports/report.h"

namespace banter::data {
namespace {

namespace json = boost::json;

json::object to_json(const SharedKeys& keys) {
  return {{"all", keys.all},
          {"shared", keys.shared},
          {"distinct", keys.distinct},
          {"distinct_shared", keys.distinct_shared}};
}

void print_line(std::ostream& out, std::string_view label, const SharedKeys& keys) {
  constexpr int kLabel = 30;
  constexpr int kNumber = 13;
  out << "  " << std::left << std::setw(kLabel) << label << std::right << std::setw(kNumber)
      << grouped(keys.all) << std::setw(kNumber) << grouped(keys.shared) << std::setw(kNumber)
      << percent(keys.shared, keys.all, 2) << std::setw(kNumber) << grouped(keys.distinct)
      << std::setw(kNumber) << grouped(keys.distinct_shared) << '\n';
}

}  // namespace

Overlap Overlap::of(CorpusStatistics& other, CorpusStatistics& one) {
  const auto shared = [&](DistinctCounter CorpusStatistics::*keys) {
    return shared_keys((one.*keys).keys(), (other.*keys).keys());
  };
  return {shared(&CorpusStatistics::dialogues_),
          shared(&CorpusStatistics::normal_forms_),
          other.near_duplicates_.counts_in(one.near_duplicates_),
          shared(&CorpusStatistics::long_texts_),
          shared(&CorpusStatistics::facts_),
          shared(&CorpusStatistics::ids_)};
}

PairOverlap PairOverlap::of(PairStatistics& other, PairStatistics& one) {
  const auto shared = [&](DistinctCounter PairStatistics::*keys) {
    return shared_keys((one.*keys).keys(), (other.*keys).keys());
  };
  return {shared(&PairStatistics::texts_), shared(&PairStatistics::premises_),
          shared(&PairStatistics::hypotheses_), shared(&PairStatistics::ids_)};
}

json::object to_json(const PairOverlap& overlap) {
  return {{"pairs", to_json(overlap.pairs)},
          {"premises", to_json(overlap.premises)},
          {"hypotheses", to_json(overlap.hypotheses)},
          {"ids", to_json(overlap.ids)}};
}

json::object to_json(const Overlap& overlap) {
  return {{"dialogues", to_json(overlap.dialogues)},
          {"normalised_dialogues", to_json(overlap.normal_forms)},
          {"near_duplicates", to_json(overlap.near_duplicates)},
          {"long_turns", to_json(overlap.long_turns)},
          {"long_turn_characters", CorpusStatistics::kLongTurn},
          {"facts", to_json(overlap.facts)},
          {"ids", to_json(overlap.ids)}};
}

void print_overlap_heading(std::ostream& out, const std::string& other, const std::string& one) {
  constexpr std::size_t kPathBytes = 1000;
  out << "overlap: what of " << base::printable(other, kPathBytes) << "\n         stands in "
      << base::printable(one, kPathBytes) << "\n"
      << "                                          all       shared                 distinct"
         "       shared\n";
}

void print(std::ostream& out, const Overlap& overlap) {
  print_line(out, "dialogues", overlap.dialogues);
  print_line(out, "  only letters and digits", overlap.normal_forms);
  print_line(out, "turns of " + std::to_string(CorpusStatistics::kLongTurn) + " characters or more",
             overlap.long_turns);
  if (overlap.facts.all > 0) print_line(out, "facts of personas", overlap.facts);
  print_line(out, "ids", overlap.ids);
  const auto& near = overlap.near_duplicates;
  print_row(out, "near-duplicates", near.alike,
            "about, of " + grouped(near.dialogues) + " dialogues");
  print_row(out, "  told by", method_of(near));
}

void print(std::ostream& out, const PairOverlap& overlap) {
  print_line(out, "pairs", overlap.pairs);
  print_line(out, "premises", overlap.premises);
  print_line(out, "hypotheses", overlap.hypotheses);
  print_line(out, "ids of pairs", overlap.ids);
}

}  // namespace banter::data
