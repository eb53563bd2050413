#include "data/preparation/partial_store.h"

#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/store/rows.h"

namespace banter::data {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr const char* kState = "state.json";

/// What is there, when it was left by a run with this plan.
json::object state_of(const fs::path& folder, const json::object& plan) {
  const auto path = folder / kState;
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  try {
    auto state = base::parse_json(base::read_file(path), path.string());
    // Numbers come back as other types of the same value: compare what is written.
    if (state.is_object() && state.get_object().contains("plan") &&
        json::serialize(state.get_object().at("plan")) == json::serialize(plan))
      return std::move(state.get_object());
  } catch (const base::DataError&) {
    return {};  // damaged: begin anew
  }
  return {};
}

bool is_ours(const std::string& name) {
  return name == "store" || name.starts_with(kState) || name.starts_with(kTokenizerFile);
}

/// Throws   FileError when a folder holds what a PartialStore does not make
void refuse_others(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (!is_ours(entry->path().filename().string()))
      throw base::FileError(folder.string() +
                            ": holds other files, and the store would be made in it: move it away, "
                            "or give another `store`");
}

}  // namespace

PartialStore::PartialStore(fs::path folder, const json::object& plan)
    : folder_(std::move(folder)), state_(state_of(folder_, plan)) {
  refuse_others(folder_);
  std::error_code ignored;
  if (state_.empty()) fs::remove_all(folder_, ignored);
  base::make_folders(store());
  if (!state_
           .empty()) {  // a manifest is written last; what a kill left of it is no file of a store
    for (fs::directory_iterator entry(store(), ignored), end; !ignored && entry != end;
         entry.increment(ignored))
      if (!entry->is_directory(ignored)) fs::remove(entry->path(), ignored);
    return;
  }
  state_["plan"] = plan;
  save();
}

void PartialStore::save() {
  base::write_durably(folder_ / kState, base::pretty_json(json::value(state_)));
}

const json::object* PartialStore::find(std::string_view name) const {
  const auto* value = state_.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

void PartialStore::keep(std::string_view name, json::object value) {
  state_[name] = std::move(value);
  save();
}

void PartialStore::forget(std::string_view name) {
  if (state_.erase(name) > 0) save();
}

std::optional<Tokenizer> PartialStore::tokenizer() const {
  const auto path = folder_ / kTokenizerFile;
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  return Tokenizer::open(path);
}

void PartialStore::keep_tokenizer(const Tokenizer& tokenizer) {
  base::write_durably(folder_ / kTokenizerFile, tokenizer.model());
}

void PartialStore::clear_store() {
  std::error_code error;
  fs::remove_all(store(), error);
  base::make_folders(store());
}

void PartialStore::seal() {
  std::error_code error;
  fs::remove(folder_ / kState, error);
  base::sync_folder(folder_);
}

bool PartialStore::unseal() {
  try {
    save();
    return true;
  } catch (const base::FileError&) {
    return false;
  }
}

void PartialStore::remove() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace banter::data
