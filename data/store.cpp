#include "data/store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/signals.h"
#include "data/store_rows.h"

namespace banter::data {
namespace {

namespace json = boost::json;

/// A file's rows, mapped.
template <typename Row>
class Rows {
 public:
  Rows() = default;
  Rows(const std::filesystem::path& path, std::uint64_t count) : file_(path), count_(count) {
    if (file_.bytes().size() % sizeof(Row) != 0 || file_.bytes().size() / sizeof(Row) != count)
      throw base::DataError(path.string() + ": holds " + std::to_string(file_.bytes().size()) +
                            " bytes where its manifest asks for " + std::to_string(count) +
                            " rows of " + std::to_string(sizeof(Row)) +
                            ": the store is damaged, prepare it again");
  }
  [[nodiscard]] const Row& operator[](std::uint64_t index) const {
    return reinterpret_cast<const Row*>(file_.bytes().data())[index];
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  base::MappedFile file_;
  std::uint64_t count_ = 0;
};

/// Ids of either width, in place.
class Ids {
 public:
  Ids() = default;
  Ids(const std::filesystem::path& path, std::uint64_t count, bool is_wide) : wide_(is_wide) {
    if (wide_)
      wide_ids_ = Rows<std::uint32_t>(path, count);
    else
      narrow_ids_ = Rows<std::uint16_t>(path, count);
  }
  /// Appends [begin, end). False when one is not below `vocab_size`.
  [[nodiscard]] bool append(std::uint64_t begin, std::uint64_t end, TokenId vocab_size,
                            std::vector<TokenId>& out) const {
    return wide_ ? append(wide_ids_, begin, end, vocab_size, out)
                 : append(narrow_ids_, begin, end, vocab_size, out);
  }

 private:
  template <typename T>
  static bool append(const Rows<T>& ids, std::uint64_t begin, std::uint64_t end, TokenId vocab_size,
                     std::vector<TokenId>& out) {
    TokenId largest = 0;
    const auto start = out.size();
    out.resize(start + (end - begin));
    for (std::uint64_t i = begin; i < end; ++i) {
      const TokenId id = ids[i];
      largest = std::max(largest, id);
      out[start + (i - begin)] = id;
    }
    return largest < vocab_size;
  }

  bool wide_ = false;
  Rows<std::uint16_t> narrow_ids_;
  Rows<std::uint32_t> wide_ids_;
};

struct FileRecord {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::string sha256;
};

std::uint64_t count_field(const json::object& object, std::string_view key,
                          std::string_view where) {
  const auto value = base::integer_field(object, key, where);
  if (value < 0) throw base::DataError(std::string(where) + ": " + std::string(key) + " < 0");
  return static_cast<std::uint64_t>(value);
}

FileRecord file_record(const json::object& object, const std::filesystem::path& folder,
                       std::string_view where) {
  const std::string name(base::string_field(object, "name", where));
  if (name.empty() || name.find('/') != std::string::npos || name == "..")
    throw base::DataError(std::string(where) + ": file name \"" + name + "\" is not plain");
  return {folder / name, count_field(object, "bytes", where),
          std::string(base::string_field(object, "sha256", where))};
}

const json::array& array_field(const json::object& object, std::string_view key,
                               std::string_view where) {
  const auto& value = base::field(object, key, where);
  if (!value.is_array())
    throw base::DataError(std::string(where) + ": field \"" + std::string(key) + "\" is no array");
  return value.get_array();
}

const json::object& as_object(const json::value& value, std::string_view where) {
  if (!value.is_object()) throw base::DataError(std::string(where) + ": is no JSON object");
  return value.get_object();
}

std::string_view as_text(const json::value& value, std::string_view where) {
  if (!value.is_string()) throw base::DataError(std::string(where) + ": is no JSON string");
  return value.get_string();
}

void check_size(const FileRecord& file) {
  const auto size = base::size_of_file(file.path);
  if (size != file.bytes)
    throw base::DataError(file.path.string() + ": holds " + std::to_string(size) +
                          " bytes where its manifest says " + std::to_string(file.bytes) +
                          ": the store is damaged, prepare it again");
}

Tokenizer open_tokenizer(const FileRecord& file, const json::object& about,
                         std::string_view where) {
  auto tokenizer = Tokenizer::open(file.path);
  if (tokenizer.hash() != file.sha256)
    throw base::DataError(file.path.string() +
                          ": is not the tokenizer that this store's ids were made with: prepare "
                          "the store again");
  if (tokenizer.vocab_size() != base::integer_field(about, "vocab_size", where))
    throw base::DataError(std::string(where) + ": vocab_size disagrees with " + kTokenizerFile);
  return tokenizer;
}

}  // namespace

struct Split::Impl {
  std::string name;
  std::filesystem::path folder;
  Tokenizer tokenizer;
  std::uint64_t dialogue_count, turn_count, token_count, fact_count, fact_token_count;
  Rows<DialogueRow> dialogues;
  Rows<TurnRow> turns;
  Rows<FactRow> facts;
  Ids tokens, fact_tokens;
  base::MappedFile texts;

  Impl(std::string split_name, const std::filesystem::path& store, Tokenizer store_tokenizer,
       const json::object& about, std::string_view where);

  [[noreturn]] void fail(const std::string& what) const {
    throw base::DataError(folder.string() + ": " + what +
                          ": the store is damaged, prepare it again");
  }
  /// The range [begin, end) of one row and its neighbour, checked.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> range(std::uint64_t begin,
                                                              std::uint64_t end,
                                                              std::uint64_t limit,
                                                              const char* what) const {
    if (begin > end || end > limit) fail(std::string(what) + " point outside");
    return {begin, end};
  }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> turn_range(std::uint64_t turn) const {
    check(turn, turn_count, "turn");
    return range(turns[turn].token_begin, turns[turn + 1].token_begin, token_count, "turns");
  }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> fact_range(std::uint64_t fact) const {
    check(fact, fact_count, "fact");
    return range(facts[fact].token_begin, facts[fact + 1].token_begin, fact_token_count, "facts");
  }
  void check(std::uint64_t index, std::uint64_t count, const char* what) const {
    if (index >= count)
      throw base::DataError(folder.string() + ": has no " + what + " " + std::to_string(index) +
                            ", only " + std::to_string(count));
  }
  [[nodiscard]] std::string_view text(std::uint64_t dialogue) const {
    check(dialogue, dialogue_count, "dialogue");
    const auto [begin, end] =
        range(dialogues[dialogue].text_begin, dialogues[dialogue + 1].text_begin,
              texts.text().size(), "texts");
    if (dialogues[dialogue].id_bytes > end - begin) fail("ids point outside");
    return texts.text().substr(begin, end - begin);
  }
};

Split::Impl::Impl(std::string split_name, const std::filesystem::path& store,
                  Tokenizer store_tokenizer, const json::object& about, std::string_view where)
    : name(std::move(split_name)),
      folder(store / name),
      tokenizer(std::move(store_tokenizer)),
      dialogue_count(count_field(about, "dialogues", where)),
      turn_count(count_field(about, "turns", where)),
      token_count(count_field(about, "tokens", where)),
      fact_count(count_field(about, "facts", where)),
      fact_token_count(count_field(about, "fact_tokens", where)) {
  const bool wide = tokenizer.vocab_size() > UINT16_MAX + 1;
  dialogues = {folder / "dialogues.bin", dialogue_count + 1};
  turns = {folder / "turns.bin", turn_count + 1};
  facts = {folder / "facts.bin", fact_count + 1};
  tokens = {folder / "tokens.bin", token_count, wide};
  fact_tokens = {folder / "fact_tokens.bin", fact_token_count, wide};
  texts = base::MappedFile(folder / "texts.bin");
  const auto& last = dialogues[dialogue_count];
  if (last.first_turn != turn_count || last.first_fact != fact_count ||
      last.text_begin != texts.text().size() || turns[turn_count].token_begin != token_count ||
      facts[fact_count].token_begin != fact_token_count)
    fail("its last rows disagree with its manifest");
}

const std::string& Split::name() const { return impl_->name; }
std::uint64_t Split::dialogues() const { return impl_->dialogue_count; }
std::uint64_t Split::turns() const { return impl_->turn_count; }
std::uint64_t Split::tokens() const { return impl_->token_count; }

DialogueView Split::dialogue(std::uint64_t index) const {
  impl_->check(index, impl_->dialogue_count, "dialogue");
  const auto& row = impl_->dialogues[index];
  const auto& next = impl_->dialogues[index + 1];
  const auto [turn_begin, turn_end] =
      impl_->range(row.first_turn, next.first_turn, impl_->turn_count, "dialogues");
  const auto [fact_begin, fact_end] =
      impl_->range(row.first_fact, next.first_fact, impl_->fact_count, "dialogues");
  return {turn_begin, static_cast<std::uint32_t>(turn_end - turn_begin), fact_begin,
          static_cast<std::uint32_t>(fact_end - fact_begin)};
}

std::uint32_t Split::turn_length(std::uint64_t turn) const {
  const auto [begin, end] = impl_->turn_range(turn);
  return static_cast<std::uint32_t>(end - begin);
}

void Split::append_turn(std::uint64_t turn, std::vector<TokenId>& out, std::uint32_t max) const {
  const auto [begin, end] = impl_->turn_range(turn);
  if (!impl_->tokens.append(begin, std::min(end, begin + max), impl_->tokenizer.vocab_size(), out))
    impl_->fail("an id is outside the vocabulary");
}

std::uint16_t Split::turn_speaker(std::uint64_t turn) const {
  impl_->check(turn, impl_->turn_count, "turn");
  return impl_->turns[turn].speaker;
}

std::uint32_t Split::turn_words(std::uint64_t turn) const {
  impl_->check(turn, impl_->turn_count, "turn");
  return impl_->turns[turn].words;
}

std::uint32_t Split::turn_bytes(std::uint64_t turn) const {
  impl_->check(turn, impl_->turn_count, "turn");
  return impl_->turns[turn].bytes;
}

std::uint32_t Split::fact_length(std::uint64_t fact) const {
  const auto [begin, end] = impl_->fact_range(fact);
  return static_cast<std::uint32_t>(end - begin);
}

void Split::append_fact(std::uint64_t fact, std::vector<TokenId>& out, std::uint32_t max) const {
  const auto [begin, end] = impl_->fact_range(fact);
  if (!impl_->fact_tokens.append(begin, std::min(end, begin + max), impl_->tokenizer.vocab_size(),
                                 out))
    impl_->fail("an id is outside the vocabulary");
}

std::uint16_t Split::fact_speaker(std::uint64_t fact) const {
  impl_->check(fact, impl_->fact_count, "fact");
  return impl_->facts[fact].speaker;
}

std::string_view Split::id(std::uint64_t dialogue) const {
  return impl_->text(dialogue).substr(0, impl_->dialogues[dialogue].id_bytes);
}

Dialogue Split::record(std::uint64_t dialogue) const {
  const auto view = this->dialogue(dialogue);
  Dialogue record;
  record.id = id(dialogue);
  const std::string where = impl_->folder.string() + ": dialogue " + std::to_string(dialogue);
  const auto parsed = base::parse_json(impl_->text(dialogue).substr(record.id.size()), where);
  const auto& rest = as_object(parsed, where);

  const auto& speakers = array_field(rest, "speakers", where);
  const auto speaker_name = [&](std::uint16_t number) -> std::string {
    if (number == 0) return "?";
    if (number > speakers.size()) impl_->fail("a speaker is unknown");
    return std::string(as_text(speakers[number - 1], where));
  };
  if (rest.contains("meta"))
    for (const auto& entry : array_field(rest, "meta", where)) {
      const auto* pair = entry.if_array();
      if (pair == nullptr || pair->size() != 2) impl_->fail("a meta entry is no pair");
      record.meta.emplace_back(as_text((*pair)[0], where), as_text((*pair)[1], where));
    }
  const bool has_times = rest.contains("times");
  if (has_times && array_field(rest, "times", where).size() != view.turns)
    impl_->fail("a dialogue has not a time for each turn");

  std::vector<TokenId> ids;
  for (std::uint32_t i = 0; i < view.turns; ++i) {
    ids.clear();
    append_turn(view.first_turn + i, ids);
    Turn turn;
    turn.speaker = speaker_name(turn_speaker(view.first_turn + i));
    turn.text = impl_->tokenizer.decode(ids);
    if (has_times) turn.time = as_text(array_field(rest, "times", where)[i], where);
    record.turns.push_back(std::move(turn));
  }
  for (std::uint32_t i = 0; i < view.facts; ++i) {
    const auto fact = view.first_fact + i;
    ids.clear();
    append_fact(fact, ids);
    const auto name = speaker_name(fact_speaker(fact));
    if (record.personas.empty() || record.personas.back().first != name)
      record.personas.emplace_back(name, std::vector<std::string>{});
    record.personas.back().second.push_back(impl_->tokenizer.decode(ids));
  }
  return record;
}

struct Store::Impl {
  explicit Impl(Tokenizer its_tokenizer) : tokenizer(std::move(its_tokenizer)) {}

  std::filesystem::path folder;
  std::string corpus_hash, hash, format;
  Tokenizer tokenizer;
  std::vector<Split> splits;
  std::vector<FileRecord> files;
};

Store Store::open(const std::filesystem::path& folder) {
  const auto path = folder / kManifestFile;
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    throw base::FileError(folder.string() +
                          ": there is no store; make it with `banter prepare CONFIG`");
  if (!std::filesystem::exists(path, ignored))
    throw base::FileError(folder.string() + ": is no store (it has no " + kManifestFile +
                          "); make one with `banter prepare CONFIG`");
  const auto text = base::read_file(path);
  const std::string where = path.string();
  const auto root = base::parse_json(text, where);
  const auto& manifest = as_object(root, where);
  if (base::string_field(manifest, "format", where) != kStoreFormat)
    throw base::DataError(where + ": is not the manifest of a store");
  if (const auto version = base::integer_field(manifest, "version", where);
      version != kStoreVersion)
    throw base::DataError(where + ": is of version " + std::to_string(version) +
                          ", this program reads version " + std::to_string(kStoreVersion) +
                          ": prepare the store again");

  const auto& about = as_object(base::field(manifest, "tokenizer", where), where);
  const auto tokenizer_file = file_record(about, folder, where);
  auto impl = std::make_shared<Impl>(open_tokenizer(tokenizer_file, about, where));
  impl->files.push_back(tokenizer_file);
  impl->folder = folder;
  impl->hash = base::sha256_hex(text);
  impl->corpus_hash = base::string_field(manifest, "corpus_sha256", where);
  if (const auto* sources = manifest.if_contains("sources"))
    if (sources->is_array() && !sources->get_array().empty())
      impl->format =
          base::string_field(as_object(sources->get_array().front(), where), "format", where);

  for (const auto& value : array_field(manifest, "splits", where)) {
    const auto& entry = as_object(value, where);
    const std::string name(base::string_field(entry, "name", where));
    if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
      throw base::DataError(where + ": split name \"" + name + "\" is not plain");
    for (const auto& file : array_field(entry, "files", where)) {
      impl->files.push_back(file_record(as_object(file, where), folder / name, where));
      check_size(impl->files.back());
    }
    Split split;
    split.impl_ = std::make_shared<const Split::Impl>(name, folder, impl->tokenizer, entry, where);
    impl->splits.push_back(std::move(split));
  }
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
const std::filesystem::path& Store::folder() const { return impl_->folder; }
std::string Store::format() const { return impl_->format; }

}  // namespace banter::data
