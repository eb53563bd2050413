#include "data/preparation/existing_store.h"

#include <functional>
#include <optional>
#include <string>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/preparation/inputs.h"
#include "data/reading_progress.h"
#include "data/store/rows.h"
#include "data/store/store.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string shown(const fs::path& path) { return base::printable(path.string(), 1000); }

/// What tells the store that stands there from the one that is wanted; nothing when they are equal.
std::optional<std::string> difference(const fs::path& store, const json::object& wanted,
                                      bool quiet) {
  const auto damaged = [](const base::Error& error) {
    return std::string("is damaged or of another version (") + error.what() + ")";
  };
  try {
    ReadingProgress progress("verifying", 0, quiet);
    Store::open(store).verify(std::ref(progress));
    const auto path = store / kManifestFile;
    const auto manifest = base::parse_json(base::read_file(path), path.string());
    const auto found = first_difference(manifest.as_object(), wanted);
    if (!found) return std::nullopt;
    return "was made from other inputs: " + *found;
  } catch (const base::DataError& error) {
    return damaged(error);
  } catch (const base::FileError& error) {
    return damaged(error);  // a file of it is missing or cannot be read
  }
}

}  // namespace

Existing look_at(const fs::path& store, const json::object& wanted, bool force, bool quiet) {
  std::error_code error;
  const auto status = fs::symlink_status(store, error);
  if (status.type() == fs::file_type::not_found) return Existing::kNone;
  if (!error && status.type() != fs::file_type::directory)
    throw base::FileError(shown(store) + ": is not a folder: give another `store`");
  if (!error && fs::is_empty(store, error)) return Existing::kNone;
  if (!error && !fs::exists(store / kManifestFile, error))
    throw base::FileError(shown(store) +
                          ": holds other files and is no store; nothing was changed: give "
                          "another `store`");
  if (error) throw base::FileError(shown(store) + ": cannot be read: " + error.message());
  const auto found = difference(store, wanted, quiet);
  if (!found) return Existing::kSame;
  if (!force)
    throw base::DataError(shown(store) + ": there is a store that " + *found +
                          "; nothing was changed: give another `store`, or --force to replace it");
  return Existing::kOther;
}

void put_in_place(const fs::path& made, const fs::path& store, Existing existing) {
  if (existing == Existing::kNone) return base::rename_durably(made, store);
  base::exchange_durably(made, store);
}

}  // namespace banter::data
