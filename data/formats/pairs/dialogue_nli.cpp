#include "data/formats/pairs/dialogue_nli.h"

#include "data/formats/json/json_record.h"
#include "data/formats/pairs/pair_form.h"

namespace banter::data {
namespace {

std::optional<Label> label_of(std::string_view text) {
  if (text == "positive") return Label::kEntailment;
  if (text == "neutral") return Label::kNeutral;
  if (text == "negative") return Label::kContradiction;
  return std::nullopt;
}

constexpr PairForm kForm{.premise = "sentence1",
                         .hypothesis = "sentence2",
                         .label = "label",
                         .id = "id",
                         .source = "",
                         .groups = {},
                         .label_of = &label_of,
                         .no_label = ""};

}  // namespace

std::string_view recognises_dialogue_nli(std::string_view head) {
  if (!shows_records_of(head, {kForm.premise, kForm.hypothesis, kForm.label}) ||
      shows_key(head, "gold_label"))
    return {};
  return "JSON objects with sentence1, sentence2 and label";
}

void read_dialogue_nli(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  read_json_pairs(stream, limits, receiver, kForm);
}

}  // namespace banter::data
