#include "models/pair_classifiers.h"

#include <algorithm>
#include <array>
#include <memory>

#include "models/layers/start_parameters.h"
#include "models/nli.h"
#include "models/registry.h"

namespace banter::models {
namespace {

struct Entry {
  std::string_view name;
  void (*check)(configs::Section& options);
  PairClassifierPtr (*build)(configs::Section& options, const Vocabulary& vocabulary);
};

template <typename Options>
Options read(configs::Section& section) {
  auto options = Options::from(section);
  section.reject_unknown();
  return options;
}

template <typename Impl, typename Options>
constexpr Entry entry(std::string_view name) {
  return {name, [](configs::Section& section) { read<Options>(section); },
          [](configs::Section& section, const Vocabulary& vocabulary) -> PairClassifierPtr {
            return std::make_shared<Impl>(read<Options>(section), vocabulary);
          }};
}

/// The classifiers of this program, sorted.
constexpr std::array kClassifiers = {
    entry<Nli, NliOptions>("nli"),
};

const Entry& entry_of(configs::Section& section) {
  const auto type = model_type(section);
  const auto found = std::ranges::find(kClassifiers, type, &Entry::name);
  if (found == kClassifiers.end())
    section.fail("type", type + " gives replies; a classifier of sentence pairs is wanted, as nli");
  return *found;
}

}  // namespace

std::vector<std::string> pair_classifier_types() {
  std::vector<std::string> names;
  names.reserve(kClassifiers.size());
  for (const auto& entry : kClassifiers) names.emplace_back(entry.name);
  return names;
}

bool is_pair_classifier(std::string_view type) {
  return std::ranges::find(kClassifiers, type, &Entry::name) != kClassifiers.end();
}

void check_pair_classifier(configs::Section section) { entry_of(section).check(section); }

PairClassifierPtr build_pair_classifier(configs::Section section, const Vocabulary& vocabulary,
                                        std::uint64_t seed) {
  auto classifier = entry_of(section).build(section, vocabulary);
  start_parameters(*classifier, seed);
  return classifier;
}

}  // namespace banter::models
