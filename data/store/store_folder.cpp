#include "data/store/store_folder.h"

#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/store/rows.h"

namespace banter::data {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::size_t kMaxNameBytes = 255;

/// The name of a file or a split: one part of a path, and nothing that messages could not show.
std::string plain_name(const json::object& about, std::string_view where) {
  std::string name(base::string_field(about, "name", where));
  const auto shown = base::printable(name, kMaxNameBytes);
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.') || shown != name)
    throw base::DataError(std::string(where) + ": the name \"" + shown + "\" is not plain");
  return name;
}

/// A SHA-256 in hexadecimal digits.
std::string hash_field(const json::object& about, std::string_view key, std::string_view where) {
  std::string hash(base::string_field(about, key, where));
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (hash.size() != 64 || hash.find_first_not_of(kDigits) != std::string::npos)
    throw base::DataError(std::string(where) + ": " + std::string(key) + " is no SHA-256");
  return hash;
}

StoreFile store_file(const json::object& about, const fs::path& folder, std::string_view where) {
  const auto name = plain_name(about, where);
  const auto bytes = base::integer_field(about, "bytes", where);
  if (bytes < 0) throw base::DataError(std::string(where) + ": bytes < 0");
  return {folder / name, static_cast<std::uint64_t>(bytes), hash_field(about, "sha256", where)};
}

void check_size(const StoreFile& file) {
  const auto size = base::size_of_file(file.path);
  if (size != file.bytes)
    throw base::DataError(file.path.string() + ": holds " + std::to_string(size) +
                          " bytes where its manifest says " + std::to_string(file.bytes) +
                          ": the store is damaged, prepare it again");
}

Tokenizer open_tokenizer(const StoreFile& file, const json::object& about, std::string_view where,
                         const std::optional<Tokenizer>& shared) {
  auto tokenizer = shared && shared->hash() == base::sha256_hex_of_file(file.path)
                       ? *shared
                       : Tokenizer::open(file.path);
  if (tokenizer.hash() != file.sha256)
    throw base::DataError(file.path.string() +
                          ": is not the tokenizer that this store's ids were made with: prepare "
                          "the store again");
  if (tokenizer.vocab_size() != base::integer_field(about, "vocab_size", where))
    throw base::DataError(std::string(where) + ": vocab_size disagrees with " + kTokenizerFile);
  return tokenizer;
}

json::object read_manifest(const fs::path& path, const std::string& text) {
  const std::string where = path.string();
  const auto manifest = base::as_object(base::parse_json(text, where), where);
  if (base::string_field(manifest, "format", where) != kStoreFormat)
    throw base::DataError(where + ": is not the manifest of a store");
  if (const auto version = base::integer_field(manifest, "version", where);
      version != kStoreVersion)
    throw base::DataError(where + ": is of version " + std::to_string(version) +
                          ", this program reads version " + std::to_string(kStoreVersion) +
                          ": prepare the store again");
  return manifest;
}

std::string format_of(const json::object& manifest, std::string_view where) {
  const auto* sources = manifest.if_contains("sources");
  if (sources == nullptr || !sources->is_array() || sources->get_array().empty()) return {};
  return std::string(
      base::string_field(base::as_object(sources->get_array().front(), where), "format", where));
}

}  // namespace

StoreFolder StoreFolder::open(const fs::path& folder, const std::optional<Tokenizer>& shared) {
  const auto path = folder / kManifestFile;
  const std::string where = path.string();
  const auto text = base::read_file(path);
  auto manifest = read_manifest(path, text);
  const auto& about = base::as_object(base::field(manifest, "tokenizer", where), where);
  const auto tokenizer_file = store_file(about, folder, where);
  StoreFolder store{.folder = folder,
                    .manifest = {},
                    .hash = base::sha256_hex(text),
                    .corpus_hash = hash_field(manifest, "corpus_sha256", where),
                    .format = format_of(manifest, where),
                    .tokenizer = open_tokenizer(tokenizer_file, about, where, shared),
                    .splits = {},
                    .files = {tokenizer_file}};
  for (const auto& value : base::array_field(manifest, "splits", where)) {
    const auto& entry = base::as_object(value, where);
    const auto name = plain_name(entry, where);
    for (const auto& file : base::array_field(entry, "files", where)) {
      store.files.push_back(store_file(base::as_object(file, where), folder / name, where));
      check_size(store.files.back());
    }
    store.splits.push_back(
        {name, std::make_shared<const SplitFiles>(folder / name, store.tokenizer,
                                                  SplitCounts::from(entry, where))});
  }
  store.manifest = std::move(manifest);
  return store;
}

}  // namespace banter::data
