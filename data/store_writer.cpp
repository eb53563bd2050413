#include "data/store_writer.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_map>

#include "base/errors.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/store_rows.h"

namespace banter::data {
namespace {

namespace json = boost::json;

/// A file of a split that is hashed while it is written.
class HashedFile {
 public:
  HashedFile(const std::filesystem::path& folder, std::string name)
      : name_(std::move(name)), file_(folder / name_) {}

  void write(std::string_view bytes) {
    file_.write(bytes);
    hash_.add(bytes);
  }
  template <typename T>
  void write_row(const T& row) {
    write({reinterpret_cast<const char*>(&row), sizeof row});
  }
  json::object close() {
    const auto size = file_.size();
    file_.close();
    return {{"name", name_}, {"bytes", size}, {"sha256", hash_.hex()}};
  }

 private:
  std::string name_;
  base::FileWriter file_;
  base::Sha256 hash_;
};

/// Adds a field so that no two different sequences of fields give the same bytes.
void add_field(base::Sha256& hash, std::string_view text) {
  const std::uint64_t size = text.size();
  hash.add({reinterpret_cast<const char*>(&size), sizeof size});
  hash.add(text);
}

void add_count(base::Sha256& hash, std::uint64_t count) {
  hash.add({reinterpret_cast<const char*>(&count), sizeof count});
}

void add_record(base::Sha256& hash, const std::string& split, const Dialogue& dialogue) {
  add_field(hash, split);
  add_field(hash, dialogue.id);
  add_count(hash, dialogue.meta.size());
  for (const auto& [key, value] : dialogue.meta) {
    add_field(hash, key);
    add_field(hash, value);
  }
  add_count(hash, dialogue.personas.size());
  for (const auto& [speaker, facts] : dialogue.personas) {
    add_field(hash, speaker);
    add_count(hash, facts.size());
    for (const auto& fact : facts) add_field(hash, fact);
  }
  add_count(hash, dialogue.turns.size());
  for (const auto& turn : dialogue.turns) {
    add_field(hash, turn.speaker);
    add_field(hash, turn.time);
    add_field(hash, turn.text);
  }
}

/// Numbers the speakers of a dialogue in the order they appear; "?" is 0. Requires fewer than
/// `kMaxSpeakers` of them.
class Speakers {
 public:
  std::uint16_t number(const std::string& name) {
    if (name.empty() || name == "?") return 0;
    const auto [found, is_new] =
        numbers_.try_emplace(name, static_cast<std::uint16_t>(names_.size() + 1));
    if (is_new) names_.push_back(name);
    return found->second;
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint16_t> numbers_;
};

/// What is neither ids nor numbers in a record, for `Split::record`.
std::string details(const Dialogue& dialogue, const Speakers& speakers) {
  json::object rest;
  json::array names;
  for (const auto& name : speakers.names()) names.emplace_back(name);
  rest["speakers"] = std::move(names);
  if (!dialogue.meta.empty()) {
    json::array meta;
    for (const auto& [key, value] : dialogue.meta) meta.push_back(json::array{key, value});
    rest["meta"] = std::move(meta);
  }
  const auto has_time = [](const Turn& turn) { return !turn.time.empty(); };
  if (std::ranges::any_of(dialogue.turns, has_time)) {
    json::array times;
    for (const auto& turn : dialogue.turns) times.emplace_back(turn.time);
    rest["times"] = std::move(times);
  }
  return json::serialize(rest);
}

}  // namespace

EncodedDialogue encode(Dialogue dialogue, const Tokenizer& tokenizer) {
  EncodedDialogue encoded;
  encoded.turns.reserve(dialogue.turns.size());
  for (const auto& turn : dialogue.turns) encoded.turns.push_back(tokenizer.encode(turn.text));
  for (const auto& [speaker, facts] : dialogue.personas)
    for (const auto& fact : facts) encoded.facts.push_back(tokenizer.encode(fact));
  encoded.text = std::move(dialogue);
  return encoded;
}

struct StoreWriter::SplitWriter {
  SplitWriter(const std::filesystem::path& folder, bool is_wide)
      : wide(is_wide),
        dialogues(folder, "dialogues.bin"),
        turns(folder, "turns.bin"),
        tokens(folder, "tokens.bin"),
        facts(folder, "facts.bin"),
        fact_tokens(folder, "fact_tokens.bin"),
        texts(folder, "texts.bin") {}

  void add(const EncodedDialogue& dialogue);
  void write_ids(HashedFile& file, const std::vector<TokenId>& ids);
  json::object close(const std::string& name);

  bool wide;  ///< ids are uint32, not uint16
  HashedFile dialogues, turns, tokens, facts, fact_tokens, texts;
  std::uint64_t dialogue_count = 0, turn_count = 0, token_count = 0;
  std::uint64_t fact_count = 0, fact_token_count = 0, text_bytes = 0;
  std::uint64_t words = 0, bytes = 0;
};

void StoreWriter::SplitWriter::write_ids(HashedFile& file, const std::vector<TokenId>& ids) {
  std::string row;
  row.reserve(ids.size() * sizeof(std::uint32_t));
  for (const TokenId id : ids) {
    const auto value = static_cast<std::uint32_t>(id);
    row.append(reinterpret_cast<const char*>(&value), wide ? 4 : 2);
  }
  file.write(row);
}

void StoreWriter::SplitWriter::add(const EncodedDialogue& dialogue) {
  const auto& text = dialogue.text;
  dialogues.write_row(DialogueRow{turn_count, fact_count, text_bytes,
                                  static_cast<std::uint32_t>(text.id.size()), 0});
  Speakers speakers;
  for (std::size_t i = 0; i < text.turns.size(); ++i) {
    const auto& turn = text.turns[i];
    const auto turn_words = static_cast<std::uint32_t>(base::count_words(turn.text));
    turns.write_row(TurnRow{token_count,
                            turn_words,
                            static_cast<std::uint32_t>(turn.text.size()),
                            speakers.number(turn.speaker),
                            {}});
    write_ids(tokens, dialogue.turns[i]);
    token_count += dialogue.turns[i].size();
    words += turn_words;
    bytes += turn.text.size();
  }
  std::size_t fact = 0;
  for (const auto& [speaker, lines] : text.personas) {
    for (std::size_t i = 0; i < lines.size(); ++i, ++fact) {
      facts.write_row(FactRow{fact_token_count, speakers.number(speaker), {}});
      write_ids(fact_tokens, dialogue.facts[fact]);
      fact_token_count += dialogue.facts[fact].size();
    }
  }
  const std::string rest = details(text, speakers);
  texts.write(text.id);
  texts.write(rest);
  text_bytes += text.id.size() + rest.size();
  turn_count += text.turns.size();
  fact_count += fact;
  ++dialogue_count;
}

json::object StoreWriter::SplitWriter::close(const std::string& name) {
  dialogues.write_row(DialogueRow{turn_count, fact_count, text_bytes, 0, 0});
  turns.write_row(TurnRow{token_count, 0, 0, 0, {}});
  facts.write_row(FactRow{fact_token_count, 0, {}});
  json::array files;
  for (auto* file : {&dialogues, &turns, &tokens, &facts, &fact_tokens, &texts})
    files.push_back(file->close());
  return {{"name", name},
          {"dialogues", dialogue_count},
          {"turns", turn_count},
          {"tokens", token_count},
          {"words", words},
          {"bytes", bytes},
          {"facts", fact_count},
          {"fact_tokens", fact_token_count},
          {"files", std::move(files)}};
}

StoreWriter::StoreWriter(const std::filesystem::path& folder, const Tokenizer& tokenizer,
                         const std::vector<std::string>& splits)
    : folder_(folder), tokenizer_(tokenizer) {
  const bool wide = tokenizer.vocab_size() > UINT16_MAX + 1;
  for (const auto& name : splits) {
    base::make_folders(folder / name);
    splits_.emplace_back(name, std::make_unique<SplitWriter>(folder / name, wide));
  }
}

StoreWriter::~StoreWriter() = default;

void StoreWriter::add(const std::string& split, const EncodedDialogue& dialogue) {
  const auto found =
      std::ranges::find(splits_, split, [](const auto& entry) { return entry.first; });
  if (found == splits_.end()) throw base::DataError("the store has no split \"" + split + "\"");
  add_record(corpus_, split, dialogue.text);
  found->second->add(dialogue);
}

void StoreWriter::finish(const json::object& about) {
  HashedFile model(folder_, kTokenizerFile);
  model.write(tokenizer_.model());
  auto tokenizer = model.close();
  tokenizer["vocab_size"] = tokenizer_.vocab_size();
  tokenizer["id_bytes"] = tokenizer_.vocab_size() > UINT16_MAX + 1 ? 4 : 2;

  json::array splits;
  for (const auto& [name, split] : splits_) {
    splits.push_back(split->close(name));
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
