#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// A row of a table of models that share the interface `Model`: how one is read and built by name.
template <typename Model>
struct ModelEntry {
  std::string_view name;
  void (*check)(configs::Section& options);
  std::shared_ptr<Model> (*build)(configs::Section& options, const Vocabulary& vocabulary);
};

/// Reads all keys of a model's section. Throws   ConfigError on an unknown key or value
template <typename Options>
auto read_options(configs::Section& section) {
  auto options = Options::from(section);
  section.reject_unknown();
  return options;
}

/// The row of `Impl`, which is made of `Options` and a Vocabulary.
template <typename Model, typename Impl, typename Options>
constexpr ModelEntry<Model> model_entry(std::string_view name) {
  return {name, [](configs::Section& section) { read_options<Options>(section); },
          [](configs::Section& section, const Vocabulary& vocabulary) -> std::shared_ptr<Model> {
            return std::make_shared<Impl>(read_options<Options>(section), vocabulary);
          }};
}

/// What a table has to be. For static_assert.
template <typename Table>
constexpr bool is_sorted_and_unique(const Table& table) {
  return std::ranges::adjacent_find(table, std::ranges::greater_equal{},
                                    [](const auto& entry) { return entry.name; }) == table.end();
}

/// The row of that name, nullptr = there is none.
template <typename Table>
const typename Table::value_type* entry_named(const Table& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, [](const auto& entry) { return entry.name; });
  return found == table.end() ? nullptr : &*found;
}

template <typename Table>
std::vector<std::string> names_in(const Table& table) {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

}  // namespace banter::models
