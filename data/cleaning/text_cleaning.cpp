#include "data/cleaning/text_cleaning.h"

#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "data/cleaning/contractions.h"
#include "data/cleaning/unicode_text.h"
#include "data/store/rows.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;

/// The manifest of a store; of shards, which were all made alike, that of one.
fs::path manifest_of(const fs::path& folder) {
  if (fs::exists(folder / kManifestFile)) return folder / kManifestFile;
  for (const auto& entry : fs::directory_iterator(folder))
    if (fs::exists(entry.path() / kManifestFile)) return entry.path() / kManifestFile;
  return folder / kManifestFile;
}

}  // namespace

void clean_text(const CleaningOptions& options, std::string& text) {
  if (options.normalization == "nfkc") make_nfkc(text);
  if (options.lower_case) make_small(text);
  if (options.expand_contractions) expand_contractions(text);
}

CleaningOptions text_cleaning_of(const Store& store) {
  const auto file = manifest_of(store.folder());
  const auto manifest = base::parse_json(base::read_file(file), file.string());
  const auto* cleaning = &base::as_object(manifest, file.string());
  for (const auto* key : {"options", "cleaning"}) {
    const auto* inner = cleaning->if_contains(key);
    if (inner == nullptr) return {};  // it does not say how it was made
    cleaning = &base::as_object(*inner, file.string());
  }
  const auto is_set = [&](const char* key) {
    const auto* value = cleaning->if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
  };
  CleaningOptions options;
  if (cleaning->contains("normalization"))
    options.normalization = base::string_field(*cleaning, "normalization", file.string());
  options.lower_case = is_set("lower_case");
  options.expand_contractions = is_set("expand_contractions");
  return options;
}

std::string text_cleaning_yaml(const CleaningOptions& options) {
  const auto truth = [](bool value) { return value ? "true\n" : "false\n"; };
  return "data:\n  cleaning:\n    normalization: " + options.normalization +
         "\n    lower_case: " + truth(options.lower_case) +
         "    expand_contractions: " + truth(options.expand_contractions);
}

}  // namespace banter::data
