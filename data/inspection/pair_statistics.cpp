#include "data/inspection/pair_statistics.h"

#include <algorithm>

#include "base/utf8.h"
#include "data/inspection/report.h"

namespace banter::data {
namespace {

namespace json = boost::json;

constexpr std::array kLabels = {Label::kEntailment, Label::kNeutral, Label::kContradiction};

std::uint64_t non_ascii_code_points(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count_if(text, [](char c) {
    return static_cast<unsigned char>(c) >= 0xC0;  // lead bytes
  }));
}

}  // namespace

PairStatistics::PairStatistics(const std::filesystem::path& scratch)
    : premises_(scratch),
      hypotheses_(scratch),
      seen_(scratch),
      two_labels_(scratch),
      groups_(scratch) {}

void PairStatistics::Side::add(const std::string& text, const std::string& id) {
  const std::uint64_t length = base::count_code_points(text);
  words += base::count_words(text);
  characters += length;
  bytes += text.size();
  non_ascii_characters += non_ascii_code_points(text);
  texts.add(text);
  if (length <= longest) return;
  longest = length;
  longest_id = id;
}

void PairStatistics::compare(const Pair& pair) {
  const auto texts = pair.premise + '\0' + pair.hypothesis;
  const auto label = static_cast<std::uint64_t>(pair.label);
  const auto first = seen_.add(texts, {}, label);
  if (!first) return;
  ++repeated_;
  if (first->mark != label) two_labels_.add(texts);
}

void PairStatistics::add(const Pair& pair) {
  ++pairs_;
  ++by_label_[static_cast<std::size_t>(pair.label)];
  const auto before = premises_.non_ascii_characters + hypotheses_.non_ascii_characters;
  premises_.add(pair.premise, pair.id);
  hypotheses_.add(pair.hypothesis, pair.id);
  if (premises_.non_ascii_characters + hypotheses_.non_ascii_characters > before)
    ++non_ascii_pairs_;
  if (!pair.group.empty()) groups_.add(pair.group);
  compare(pair);
}

json::object PairStatistics::Side::to_json() const {
  return {{"words", words},
          {"characters", characters},
          {"bytes", bytes},
          {"distinct", texts.size()},
          {"longest", {{"characters", longest}, {"id", longest_id}}}};
}

json::object PairStatistics::to_json() const {
  json::object labels;
  for (const auto label : kLabels)
    labels[to_text(label)] = by_label_[static_cast<std::size_t>(label)];
  return {
      {"pairs", pairs_},
      {"labels", std::move(labels)},
      {"premises", premises_.to_json()},
      {"hypotheses", hypotheses_.to_json()},
      {"repeated_pairs", repeated_},
      {"pairs_with_two_labels", two_labels_.size()},
      {"groups", groups_.size()},
      {"non_ascii_characters", premises_.non_ascii_characters + hypotheses_.non_ascii_characters},
      {"non_ascii_pairs", non_ascii_pairs_}};
}

void PairStatistics::Side::print(std::ostream& out, const char* name) const {
  print_row(out, name, texts.size(), "distinct");
  print_row(out, "  words", words);
  print_row(out, "  characters", characters, grouped(bytes) + " bytes");
  print_row(out, "  longest", longest, "characters, in " + base::printable(longest_id));
}

void PairStatistics::print(std::ostream& out) const {
  print_row(out, "pairs", pairs_);
  for (const auto label : kLabels)
    print_row(out, "  " + std::string(to_text(label)), by_label_[static_cast<std::size_t>(label)]);
  premises_.print(out, "premises");
  hypotheses_.print(out, "hypotheses");
  print_row(out, "repeated pairs", repeated_, "the texts of an earlier one, whatever the label");
  print_row(out, "two labels", two_labels_.size(), "pairs of texts that have more than one");
  print_row(out, "groups", groups_.size());
  print_row(
      out, "non-ASCII pairs", non_ascii_pairs_,
      grouped(premises_.non_ascii_characters + hypotheses_.non_ascii_characters) + " characters");
}

}  // namespace banter::data
