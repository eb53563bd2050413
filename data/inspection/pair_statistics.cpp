#include "data/inspection/pair_statistics.h"

#include <optional>

#include "base/utf8.h"
#include "data/inspection/script_counts.h"

namespace banter::data {
namespace {

constexpr std::uint64_t kLabelBits = 3;

/// A key whose last bits are the label: those of the same texts are neighbours in order.
Key labelled(Key texts, Label label) {
  texts.low = (texts.low & ~kLabelBits) | static_cast<std::uint64_t>(label);
  return texts;
}

bool have_same_texts(const Key& a, const Key& b) {
  return a.high == b.high && (a.low | kLabelBits) == (b.low | kLabelBits);
}

}  // namespace

PairStatistics::PairStatistics(const std::shared_ptr<KeyFile>& keys)
    : premises_(keys),
      hypotheses_(keys),
      texts_(keys),
      groups_(keys),
      ids_(keys),
      labelled_(keys, DistinctCounter::kBufferBytes) {}

void PairStatistics::add_sentence(const std::string& text, const std::string& id,
                                  SentenceFigures& figures, DistinctCounter& texts) {
  const std::uint64_t length = base::count_code_points(text);
  figures.words += base::count_words(text);
  figures.characters += length;
  figures.bytes += text.size();
  figures.non_ascii_characters += base::count_non_ascii_code_points(text);
  texts.add(text);
  if (length <= figures.longest) return;
  figures.longest = length;
  figures.longest_id = id;
}

void PairStatistics::add(const Pair& pair) {
  auto& f = figures_;
  ++f.pairs;
  ++f.by_label[static_cast<std::size_t>(pair.label)];
  const auto before = f.non_ascii_characters();
  add_sentence(pair.premise, pair.id, f.premises, premises_);
  add_sentence(pair.hypothesis, pair.id, f.hypotheses, hypotheses_);
  if (f.non_ascii_characters() > before) ++f.non_ascii_pairs;
  if (!pair.group.empty()) groups_.add(pair.group);
  ids_.add(pair.id);
  const auto texts = key_of(pair.premise + '\0' + pair.hypothesis);
  texts_.add(texts);
  labelled_.add(labelled(texts, pair.label));
}

void PairStatistics::count_repeated(PairFigures& figures) {
  std::optional<Key> before;
  bool has_one_label = true;
  for (auto cursor = labelled_.cursor(); cursor.next(); before = cursor.key()) {
    const bool is_known = before && have_same_texts(*before, cursor.key());
    figures.repeated += cursor.count() - (is_known ? 0 : 1);
    if (is_known && has_one_label) ++figures.two_labels;
    has_one_label = !is_known;
  }
}

PairFigures PairStatistics::figures() {
  auto figures = figures_;
  figures.premises.texts = premises_.counts();
  figures.hypotheses.texts = hypotheses_.counts();
  figures.groups = groups_.counts().distinct;
  count_repeated(figures);
  return figures;
}

void PairStatistics::rest() {
  for (auto* counter : {&premises_, &hypotheses_, &texts_, &groups_, &ids_})
    counter->keys().spill();
  labelled_.spill();
}

}  // namespace banter::data
