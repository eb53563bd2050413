#include "models/registry.h"

#include <algorithm>
#include <array>
#include <utility>

#include "models/hran.h"
#include "models/hred.h"
#include "models/layers/start_parameters.h"
#include "models/model_table.h"
#include "models/pair_classifiers.h"
#include "models/recosa.h"
#include "models/seq2seq.h"
#include "models/stack_propagation.h"
#include "models/transformer.h"
#include "models/vhred.h"
#include "models/wseq.h"

namespace banter::models {
namespace {

template <typename Impl, typename Options>
constexpr auto entry(std::string_view name) {
  return model_entry<DialogueModel, Impl, Options>(name);
}

/// The models of this program. Adding one: models/README.md.
constexpr std::array kModels = {
    entry<Hred, HranOptions>("hran"),
    entry<Hred, HredOptions>("hred"),
    entry<Recosa, RecosaOptions>("recosa"),
    entry<Seq2Seq, Seq2SeqOptions>("seq2seq"),
    entry<StackPropagation, StackOptions>("stack_propagation"),
    entry<FlatTransformer, FlatTransformerOptions>("transformer"),
    entry<Vhred, VhredOptions>("vhred"),
    entry<Wseq, WseqOptions>("wseq"),
};
static_assert(is_sorted_and_unique(kModels));

const ModelEntry<DialogueModel>& entry_of(configs::Section& section) {
  const auto type = model_type(section);
  const auto* found = entry_named(kModels, type);
  if (found == nullptr)
    section.fail("type", type +
                             " classifies sentence pairs and gives no replies; name a dialogue "
                             "model, or give its run to `banter evaluate`");
  return *found;
}

}  // namespace

std::vector<std::string> model_types() { return names_in(kModels); }

std::string model_type(configs::Section& section) {
  auto known = model_types();
  for (auto& type : pair_classifier_types()) known.push_back(std::move(type));
  std::ranges::sort(known);
  return section.choice("type", "hred", known);
}

void check_model(configs::Section section) {
  if (is_pair_classifier(model_type(section))) return check_pair_classifier(section);
  entry_of(section).check(section);
}

ModelPtr build_model(configs::Section section, const Vocabulary& vocabulary, std::uint64_t seed) {
  auto model = entry_of(section).build(section, vocabulary);
  start_parameters(*model, seed);
  return model;
}

}  // namespace banter::models
