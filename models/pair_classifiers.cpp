#include "models/pair_classifiers.h"

#include <array>

#include "models/layers/start_parameters.h"
#include "models/model_table.h"
#include "models/nli.h"
#include "models/registry.h"

namespace banter::models {
namespace {

/// The classifiers of this program.
constexpr std::array kClassifiers = {
    model_entry<PairClassifier, Nli, NliOptions>("nli"),
};
static_assert(is_sorted_and_unique(kClassifiers));

const ModelEntry<PairClassifier>& entry_of(configs::Section& section) {
  const auto type = model_type(section);
  const auto* found = entry_named(kClassifiers, type);
  if (found == nullptr)
    section.fail("type", type + " gives replies; a classifier of sentence pairs is wanted, as nli");
  return *found;
}

}  // namespace

std::vector<std::string> pair_classifier_types() { return names_in(kClassifiers); }

bool is_pair_classifier(std::string_view type) {
  return entry_named(kClassifiers, type) != nullptr;
}

void check_pair_classifier(configs::Section section) { entry_of(section).check(section); }

PairClassifierPtr build_pair_classifier(configs::Section section, const Vocabulary& vocabulary,
                                        std::uint64_t seed) {
  auto classifier = entry_of(section).build(section, vocabulary);
  start_parameters(*classifier, seed);
  return classifier;
}

}  // namespace banter::models
