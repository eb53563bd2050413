#include "data/inspection/reports/pair_report.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "data/inspection/reports/report.h"

namespace banter::data {
namespace {

namespace json = boost::json;

constexpr std::array kLabels = {Label::kEntailment, Label::kNeutral, Label::kContradiction};

json::object to_json(const SentenceFigures& figures) {
  return {{"words", figures.words},
          {"characters", figures.characters},
          {"bytes", figures.bytes},
          {"distinct", figures.texts.distinct},
          {"repeated", figures.texts.repeated},
          {"longest", {{"characters", figures.longest}, {"id", figures.longest_id}}}};
}

void print_sentences(std::ostream& out, std::string_view name, const SentenceFigures& figures) {
  print_row(out, name, figures.texts.added,
            grouped(figures.texts.distinct) + " distinct, " + grouped(figures.texts.repeated) +
                " of them stand more than once");
  print_row(out, "  words", figures.words);
  print_row(out, "  characters", figures.characters, grouped(figures.bytes) + " bytes");
  print_row(out, "  longest", figures.longest,
            "characters, in " + base::printable(figures.longest_id));
}

}  // namespace

json::object to_json(const PairFigures& f) {
  json::object labels;
  for (const auto label : kLabels)
    labels[to_text(label)] = f.by_label[static_cast<std::size_t>(label)];
  return {{"pairs", f.pairs},
          {"labels", std::move(labels)},
          {"premises", to_json(f.premises)},
          {"hypotheses", to_json(f.hypotheses)},
          {"repeated_pairs", f.repeated},
          {"pairs_with_two_labels", f.two_labels},
          {"groups", f.groups},
          {"non_ascii_characters", f.non_ascii_characters()},
          {"non_ascii_pairs", f.non_ascii_pairs}};
}

void print(std::ostream& out, const PairFigures& f) {
  print_row(out, "pairs", f.pairs);
  for (const auto label : kLabels)
    print_row(out, "  " + std::string(to_text(label)), f.by_label[static_cast<std::size_t>(label)]);
  print_sentences(out, "premises", f.premises);
  print_sentences(out, "hypotheses", f.hypotheses);
  print_row(out, "repeated pairs", f.repeated, "with the texts of an earlier one");
  print_row(out, "  two labels", f.two_labels, "different pairs of texts that have more than one");
  print_row(out, "groups", f.groups);
  print_row(out, "non-ASCII characters", f.non_ascii_characters(),
            percent(f.non_ascii_characters(), f.premises.characters + f.hypotheses.characters, 4) +
                " of characters, in " + grouped(f.non_ascii_pairs) + " pairs (" +
                percent(f.non_ascii_pairs, f.pairs, 3) + ")");
}

}  // namespace banter::data
