#include "data/formats/pairs/pairs.h"

#include "data/formats/json/json_record.h"
#include "data/formats/pairs/pair_form.h"

namespace banter::data {
namespace {

constexpr PairForm kForm{.premise = "premise",
                         .hypothesis = "hypothesis",
                         .label = "label",
                         .id = "id",
                         .source = "source",
                         .groups = {"group", ""},
                         .label_of = &label_named,
                         .no_label = ""};

}  // namespace

std::string_view recognises_pairs(std::string_view head) {
  if (!shows_records_of(head, {kForm.premise, kForm.hypothesis})) return {};
  return "JSON objects with premise and hypothesis";
}

void read_pairs(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  read_json_pairs(stream, limits, receiver, kForm);
}

}  // namespace banter::data
