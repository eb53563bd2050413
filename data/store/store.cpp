#include "data/store/store.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "data/store/rows.h"
#include "data/store/store_folder.h"

namespace banter::data {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::string_view kShardPrefix = "shard-";
constexpr std::string_view kShardMiddle = "-of-";
constexpr std::uint32_t kMaxShards = 10'000;

/// Two numbers with something between them, and nothing else.
std::optional<Shard> parse_shard(std::string_view text, std::string_view between) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shard.index);
  const std::string_view rest(first.ptr, static_cast<std::size_t>(end - first.ptr));
  if (first.ec != std::errc() || !rest.starts_with(between)) return std::nullopt;
  const auto second = std::from_chars(first.ptr + between.size(), end, shard.count);
  const bool is_plain = second.ec == std::errc() && second.ptr == end;
  if (!is_plain || shard.index >= shard.count || shard.count > kMaxShards) return std::nullopt;
  return shard;
}

std::optional<Shard> shard_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  if (!name.starts_with(kShardPrefix)) return std::nullopt;
  return parse_shard(std::string_view(name).substr(kShardPrefix.size()), kShardMiddle);
}

/// The finished shards in a folder, in order. Throws   DataError when they are not all of one store
std::vector<fs::path> shards_in(const fs::path& folder) {
  std::map<std::uint32_t, fs::path> found;
  std::uint32_t count = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto shard = shard_of(entry->path());
    std::error_code unreadable;  // opening it tells why
    if (!shard || !fs::exists(entry->path() / kManifestFile, unreadable)) continue;
    if (count != 0 && count != shard->count)
      throw base::DataError(folder.string() + ": holds shards of " + std::to_string(count) +
                            " and of " + std::to_string(shard->count) +
                            ": remove those that do not belong to the store");
    count = shard->count;
    found.emplace(shard->index, entry->path());
  }
  std::vector<fs::path> shards;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!found.contains(i))
      throw base::DataError(folder.string() + ": shard " + std::to_string(i) + "/" +
                            std::to_string(count) +
                            " is missing: prepare it with `banter prepare "
                            "CONFIG --shard " +
                            std::to_string(i) + "/" + std::to_string(count) + "`");
    shards.push_back(found.at(i));
  }
  return shards;
}

/// What a manifest says of how its store was made. The format of a source is what was found in the
/// files of a shard, which need not hold all of them.
std::string said_of(const json::object& manifest, const char* key) {
  const auto* said = manifest.if_contains(key);
  if (said == nullptr) return {};
  json::value value = *said;
  if (auto* sources = value.if_array())
    for (auto& source : *sources)
      if (auto* about = source.if_object()) about->erase("format");
  return json::serialize(value);
}

/// A shard says which one it is, so that none is used in the place of another.
void check_name(const StoreFolder& shard) {
  const auto name = shard.folder.filename().string();
  const auto* said = shard.manifest.if_contains("shard");
  if (said == nullptr || !said->is_string() || said->get_string() != name)
    throw base::DataError(shard.folder.string() + ": is not " + name +
                          (said == nullptr ? "" : " but " + json::serialize(*said)) +
                          ": move it back, or prepare it again");
}

/// Shards of one store differ in what they hold, not in how they were made.
void check_siblings(const StoreFolder& first, const StoreFolder& other) {
  for (const char* key : {"options", "sources"}) {
    if (said_of(first.manifest, key) != said_of(other.manifest, key))
      throw base::DataError(other.folder.string() + ": was made from other " + key + " than " +
                            first.folder.filename().string() + ": prepare it again");
  }
  if (first.tokenizer.hash() != other.tokenizer.hash())
    throw base::DataError(other.folder.string() + ": has another tokenizer than " +
                          first.folder.filename().string() + ": prepare it again");
}

}  // namespace

std::string Shard::folder_name() const {
  return std::string(kShardPrefix) + std::to_string(index) + std::string(kShardMiddle) +
         std::to_string(count);
}

Shard Shard::from(std::string_view text) {
  if (const auto shard = parse_shard(text, "/")) return *shard;
  throw base::UsageError("--shard must be I/N with I from 0 to N-1, as in 0/3, and not \"" +
                         base::printable(text) + "\"");
}

struct Store::Impl {
  explicit Impl(Tokenizer its_tokenizer) : tokenizer(std::move(its_tokenizer)) {}

  fs::path folder;
  std::string corpus_hash, hash, format;
  Tokenizer tokenizer;
  std::vector<Split> splits;
  std::vector<StoreFile> files;
};

Store Store::open(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    throw base::FileError(folder.string() +
                          ": there is no store; make it with `banter prepare CONFIG`");
  std::vector<fs::path> folders = {folder};
  if (!fs::exists(folder / kManifestFile, ignored)) {
    folders = shards_in(folder);
    if (folders.empty())
      throw base::FileError(folder.string() + ": is no store (it has no " + kManifestFile +
                            "); make one with `banter prepare CONFIG`");
  }

  std::vector<StoreFolder> parts;
  std::vector<std::pair<std::string, std::vector<std::shared_ptr<const SplitFiles>>>> splits;
  for (const auto& path : folders) {
    parts.push_back(parts.empty() ? StoreFolder::open(path)
                                  : StoreFolder::open(path, parts.front().tokenizer));
    if (path != folder) check_name(parts.back());
    check_siblings(parts.front(), parts.back());
    for (const auto& [name, files] : parts.back().splits) {
      auto found = std::ranges::find(splits, name, [](const auto& entry) { return entry.first; });
      if (found == splits.end()) found = splits.insert(splits.end(), {name, {}});
      found->second.push_back(files);
    }
  }

  auto impl = std::make_shared<Impl>(parts.front().tokenizer);
  impl->folder = folder;
  for (auto& part : parts) {
    if (impl->format.empty()) impl->format = part.format;
    impl->corpus_hash += part.corpus_hash;
    impl->hash += part.hash;
    impl->files.insert(impl->files.end(), part.files.begin(), part.files.end());
  }
  if (parts.size() > 1) {
    impl->corpus_hash = base::sha256_hex(impl->corpus_hash);
    impl->hash = base::sha256_hex(impl->hash);
  }
  for (auto& [name, files] : splits)
    impl->splits.emplace_back(name, impl->format, std::move(files));
  Store store;
  store.impl_ = std::move(impl);
  return store;
}

void Store::verify(const std::function<void(std::uint64_t)>& read) const {
  const auto hear = [&](std::uint64_t bytes) {
    base::throw_if_stopped();
    read(bytes);
  };
  for (const auto& file : impl_->files)
    if (base::sha256_hex_of_file(file.path, hear) != file.sha256)
      throw base::DataError(file.path.string() +
                            ": its SHA-256 is not the manifest's: the store is damaged, prepare "
                            "it again");
}

const Split& Store::split(std::string_view name) const {
  std::string known;
  for (const auto& split : impl_->splits) {
    if (split.name() == name) return split;
    known += " " + split.name();
  }
  throw base::DataError(impl_->folder.string() + ": has no split \"" + std::string(name) +
                        "\"; it has:" + known);
}

bool Store::has_split(std::string_view name) const {
  return std::ranges::any_of(impl_->splits, [&](const Split& s) { return s.name() == name; });
}

const std::vector<Split>& Store::splits() const { return impl_->splits; }
const Tokenizer& Store::tokenizer() const { return impl_->tokenizer; }
const std::string& Store::corpus_hash() const { return impl_->corpus_hash; }
const std::string& Store::hash() const { return impl_->hash; }
const fs::path& Store::folder() const { return impl_->folder; }
std::string Store::format() const { return impl_->format; }

bool is_store(const fs::path& path) {
  std::error_code error;
  const auto is_manifest = [&](const fs::path& manifest) {
    if (!fs::is_regular_file(manifest, error)) return false;
    const base::MappedFile file(manifest);
    return file.text().find(kStoreFormat) != std::string_view::npos;
  };
  if (is_manifest(path / kManifestFile)) return true;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    if (shard_of(entry->path()) && is_manifest(entry->path() / kManifestFile)) return true;
  return false;
}

}  // namespace banter::data
