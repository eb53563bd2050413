#include "data/store/source_formats.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "data/formats/formats.h"
#include "data/store/rows.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;

bool holds_pairs(const std::string& format) {
  const auto known = std::ranges::find(formats(), format, &Format::name);
  return known != formats().end() && known->holds == Holds::kPairs;
}

/// The manifest of a store, or those of its shards.
std::set<fs::path> manifests_of(const fs::path& folder) {
  if (fs::exists(folder / kManifestFile)) return {folder / kManifestFile};
  std::set<fs::path> manifests;
  for (const auto& entry : fs::directory_iterator(folder))
    if (fs::exists(entry.path() / kManifestFile)) manifests.insert(entry.path() / kManifestFile);
  return manifests;
}

}  // namespace

std::vector<std::string> dialogue_formats_of(const Store& store) {
  std::vector<std::string> formats;
  for (const auto& file : manifests_of(store.folder())) {
    const auto where = file.string();
    const auto manifest = base::as_object(base::parse_json(base::read_file(file), where), where);
    if (!manifest.contains("sources")) continue;  // it does not say how it was made
    for (const auto& source : base::array_field(manifest, "sources", where)) {
      std::string format(base::string_field(base::as_object(source, where), "format", where));
      if (!format.empty() && !holds_pairs(format) &&
          std::ranges::find(formats, format) == formats.end())
        formats.push_back(std::move(format));
    }
  }
  return formats;
}

}  // namespace banter::data
