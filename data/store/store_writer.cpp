#include "data/store/store_writer.h"

#include "base/errors.h"
#include "base/json.h"
#include "data/store/rows.h"
#include "data/store/split_writer.h"

namespace banter::data {

namespace json = boost::json;

StoreWriter::StoreWriter(std::filesystem::path folder, const Tokenizer& tokenizer)
    : folder_(std::move(folder)), tokenizer_(tokenizer) {}

StoreWriter::StoreWriter(std::filesystem::path folder, const Tokenizer& tokenizer,
                         const json::object& checkpoint)
    : folder_(std::move(folder)), tokenizer_(tokenizer) {
  const std::string where = folder_.string() + ": the checkpoint of a store";
  for (const auto& [name, about] : checkpoint) {
    if (!about.is_object()) throw base::DataError(where + ": a split is no object");
    const auto counts = SplitCounts::from(about.get_object(), where);
    splits_.emplace(name,
                    std::make_unique<SplitWriter>(folder_ / std::string(name), is_wide(), counts));
  }
}

StoreWriter::~StoreWriter() = default;

bool StoreWriter::is_wide() const { return tokenizer_.vocab_size() > UINT16_MAX + 1; }

void StoreWriter::add(std::string_view split, const EncodedRecord& record) {
  auto found = splits_.find(split);
  if (found == splits_.end()) {
    const auto folder = folder_ / std::string(split);
    base::make_folders(folder);
    found = splits_.emplace(split, std::make_unique<SplitWriter>(folder, is_wide())).first;
  }
  found->second->add(record);
  std::visit([&](const auto& one) { corpus_.add(split, one.text); }, record);
}

std::uint64_t StoreWriter::records() const {
  std::uint64_t count = 0;
  for (const auto& [name, split] : splits_) count += split->counts().records();
  return count;
}

json::object StoreWriter::checkpoint() {
  json::object checkpoint;
  for (const auto& [name, split] : splits_) {
    split->sync();
    base::sync_folder(folder_ / name);
    checkpoint[name] = split->counts().to_json();
  }
  base::sync_folder(folder_);
  return checkpoint;
}

void StoreWriter::finish(const json::object& about) {
  HashedFile model(folder_, kTokenizerFile);
  model.write(tokenizer_.model());
  auto tokenizer = model.close();
  tokenizer["vocab_size"] = tokenizer_.vocab_size();
  tokenizer["id_bytes"] = is_wide() ? 4 : 2;

  json::array splits;
  for (const auto& [name, split] : splits_) {
    json::object entry{{"name", name}};
    for (auto& field : split->close()) entry[field.key()] = std::move(field.value());
    splits.push_back(std::move(entry));
    base::sync_folder(folder_ / name);
  }
  json::object manifest{{"format", kStoreFormat},
                        {"version", kStoreVersion},
                        {"corpus_sha256", corpus_.hex()},
                        {"tokenizer", std::move(tokenizer)},
                        {"splits", std::move(splits)}};
  for (const auto& entry : about) manifest[entry.key()] = entry.value();
  base::write_durably(folder_ / kManifestFile, base::pretty_json(manifest));
}

}  // namespace banter::data
