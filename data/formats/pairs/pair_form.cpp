#include "data/formats/pairs/pair_form.h"

#include <utility>

#include "base/utf8.h"
#include "data/formats/json/json_record.h"
#include "data/formats/lost_record.h"

namespace banter::data {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxUnknownLabels = 20;
constexpr std::size_t kLabelBytes = 40;

std::string_view optional_text(const RecordObject& object, std::string_view key) {
  if (key.empty()) return {};
  const auto value = find_key(object, key);
  return value ? as_record_string(*value, key) : std::string_view();
}

std::string checked_sentence(std::string_view text, std::string_view name) {
  if (const auto fault = text_fault(text, "a sentence is blank"); !fault.empty())
    throw LostRecord{fault, std::string(name)};
  return std::string(text);
}

/// Throws   LostRecord naming a field that is missing or no string
PairTexts pair_texts(const dom::element& value, const PairForm& form) {
  const auto object = as_record_object(value, "the record");
  const auto text = [&](std::string_view key) {
    return as_record_string(need_key(object, key), key);
  };
  PairTexts texts{text(form.premise),
                  text(form.hypothesis),
                  text(form.label),
                  optional_text(object, form.id),
                  optional_text(object, form.source),
                  {}};
  for (const auto key : form.groups)
    if (texts.group.empty()) texts.group = optional_text(object, key);
  return texts;
}

}  // namespace

Label PairBuilder::known_label(std::string_view text) {
  if (const auto label = form_.label_of(text)) return *label;
  auto shown = '"' + base::printable(text, kLabelBytes) + '"';
  if (unknown_.size() < kMaxUnknownLabels || unknown_.contains(shown))
    ++unknown_[shown];
  else
    ++more_unknown_;
  throw LostRecord{"a label is unknown", std::move(shown)};
}

std::string PairBuilder::id_of(const PairTexts& texts, const Place& place) const {
  if (!texts.id.empty()) return checked_name(texts.id, form_.id);
  return (form_.id.empty() ? "" : "#") + std::to_string(place.number());
}

void PairBuilder::add(const PairTexts& texts, const Place& place) {
  Pair pair;
  pair.id = id_of(texts, place);
  pair.premise = checked_sentence(texts.premise, form_.premise);
  pair.hypothesis = checked_sentence(texts.hypothesis, form_.hypothesis);
  pair.source = checked_name(texts.source, form_.source);
  pair.group = checked_name(texts.group, "group");
  if (!form_.no_label.empty() && texts.label == form_.no_label) {
    receiver_.problem({place, Severity::kNote, "a pair has no gold label: it is left out", "", 1});
    return;
  }
  pair.label = known_label(texts.label);
  receiver_.record(std::move(pair), place);
}

void PairBuilder::finish(const Place& place) const {
  if (unknown_.empty()) return;
  std::string seen;
  for (const auto& [label, count] : unknown_)
    seen += (seen.empty() ? "" : ", ") + label + " " + std::to_string(count);
  if (more_unknown_ > 0) seen += ", others " + std::to_string(more_unknown_);
  receiver_.problem({place, Severity::kNote, "unknown labels were seen", std::move(seen), 0});
}

void read_json_pairs(InputStream& stream, const ReadLimits& limits, Receiver& receiver,
                     const PairForm& form) {
  PairBuilder builder(form, receiver);
  read_json_records(stream, limits, receiver, [&](const dom::element& value, const Place& place) {
    builder.add(pair_texts(value, form), place);
  });
  builder.finish(stream.place());
}

}  // namespace banter::data
