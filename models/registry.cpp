#include "models/registry.h"

#include <algorithm>
#include <array>
#include <memory>

#include "models/hred.h"
#include "models/layers/start_parameters.h"
#include "models/seq2seq.h"

namespace banter::models {
namespace {

struct Entry {
  std::string_view name;
  ModelPtr (*build)(configs::Section& options, const Vocabulary& vocabulary);
};

template <typename Impl, typename Options>
ModelPtr build_as(configs::Section& section, const Vocabulary& vocabulary) {
  const auto options = Options::from(section);
  section.reject_unknown();
  return std::make_shared<Impl>(options, vocabulary);
}

/// The models of this program. Adding one: models/README.md.
constexpr std::array kModels = {
    Entry{"hred", &build_as<Hred, HredOptions>},
    Entry{"seq2seq", &build_as<Seq2Seq, Seq2SeqOptions>},
};
constexpr bool sorted_and_unique() {
  return std::ranges::adjacent_find(kModels, std::ranges::greater_equal{}, &Entry::name) ==
         kModels.end();
}
static_assert(sorted_and_unique());

}  // namespace

std::vector<std::string> model_types() {
  std::vector<std::string> names;
  for (const auto& entry : kModels) names.emplace_back(entry.name);
  return names;
}

ModelPtr build_model(configs::Section section, const Vocabulary& vocabulary, std::uint64_t seed) {
  const auto type = section.choice("type", "hred", model_types());
  const auto found = std::ranges::find(kModels, type, &Entry::name);
  auto model = found->build(section, vocabulary);
  start_parameters(*model, seed);
  return model;
}

}  // namespace banter::models
