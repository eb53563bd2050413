#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "data/store/store.h"
#include "data/store/store_writer.h"
#include "tests/support/temporary_folder.h"

namespace {

namespace base = banter::base;
namespace data = banter::data;
namespace fs = std::filesystem;

void must(bool holds) {
  if (!holds) __builtin_trap();
}

constexpr std::array kFiles = {"manifest.json",         "train/dialogues.bin",
                               "train/turns.bin",       "train/tokens.bin",
                               "train/facts.bin",       "train/fact_tokens.bin",
                               "train/distractors.bin", "train/distractor_tokens.bin",
                               "train/texts.bin",       "train/pairs.bin",
                               "train/pair_tokens.bin", "train/pair_texts.bin"};
using Contents = std::array<std::string, kFiles.size()>;

data::Tokenizer small_tokenizer() {
  int left = 100;
  return data::Tokenizer(
      data::Tokenizer::train({.vocab_size = 300}, [&]() -> std::optional<std::string> {
        return left-- > 0 ? std::optional("hello there who me ok " + std::to_string(left))
                          : std::nullopt;
      }));
}

void write(const fs::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  must(file.flush().good());
}

/// A sound store in a temporary folder, with everything that a store can hold.
class SmallStore {
 public:
  SmallStore() : path_(folder_ / "store") {
    fs::create_directory(path_);
    const auto tokenizer = small_tokenizer();
    data::WordEncoder encoder(tokenizer);
    data::StoreWriter writer(path_, tokenizer);
    data::Dialogue full{"one",
                        "g",
                        {{"k", "v"}},
                        {{"bo", {"i row", "i swim"}}, {"zo", {"silent"}}},
                        {{"ann", "hello  there", "t1"}, {"bo", "me", "", {"who", "ok ok"}}}};
    writer.add("train", encode(full, encoder));
    full.id = "two";
    full.turns.push_back({"?", "ok", "", {"me", "there"}});
    writer.add("train", encode(full, encoder));
    writer.add("train",
               encode(data::Pair{"p", "me", "ok", data::Label::kNeutral, "s", "g"}, encoder));
    writer.add("train", encode(data::Pair{"q", "who", "me", {}, "", ""}, encoder));
    writer.finish({{"sources", {{{"format", "jsonl"}}}}});
    for (std::size_t i = 0; i < kFiles.size(); ++i) good_[i] = base::read_file(path_ / kFiles[i]);
  }

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] const Contents& good() const { return good_; }

  /// Writes what differs between two states of the files.
  void change(const Contents& from, const Contents& to) const {
    for (std::size_t i = 0; i < kFiles.size(); ++i)
      if (from[i] != to[i]) write(path_ / kFiles[i], to[i]);
  }

 private:
  banter::tests::TemporaryFolder folder_;
  fs::path path_;
  Contents good_;
};

/// Takes the input from its start.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool is_empty() const { return rest_.empty(); }
  std::size_t byte() {
    const auto one = take(1);
    return one.empty() ? 0 : static_cast<unsigned char>(one[0]);
  }
  std::size_t two_bytes() {
    const auto low = byte();
    return low | byte() << 8;
  }
  std::string_view take(std::size_t count) {
    const auto part = rest_.substr(0, count);
    rest_.remove_prefix(part.size());
    return part;
  }

 private:
  std::string_view rest_;
};

/// One change of a file: its number and the kind, how long what follows is, then the whole
/// content, or places and bytes to put there, or a place, a length and a text to put there.
void edit(Contents& files, Input& input) {
  const auto selector = input.byte();
  auto& file = files[selector % kFiles.size()];
  const auto size = input.byte();
  Input payload(input.take(size));
  switch (selector / kFiles.size() % 3) {
    case 0:
      file = payload.take(size);
      break;
    case 1:
      while (!payload.is_empty() && !file.empty()) {
        const auto place = payload.two_bytes() % file.size();
        file[place] = static_cast<char>(payload.byte());
      }
      break;
    default:
      const auto place = payload.two_bytes() % (file.size() + 1);
      const auto length = payload.byte();
      file.replace(place, length, payload.take(size));
  }
}

/// Nothing but our errors comes out, and they can be shown.
bool works(const std::function<void()>& action) {
  try {
    action();
    return true;
  } catch (const base::DataError& error) {
    for (const char c : std::string_view(error.what())) must(static_cast<unsigned char>(c) >= 0x20);
  } catch (const base::FileError& error) {
    for (const char c : std::string_view(error.what())) must(static_cast<unsigned char>(c) >= 0x20);
  }
  return false;
}

using Ids = std::vector<data::TokenId>;

/// What bounds the ids that are given: their number and their values.
struct Bounds {
  std::uint64_t count;
  data::TokenId vocab_size;
};

void take_ids(const Bounds& bounds, const std::function<void(Ids&)>& append) {
  works([&] {
    Ids ids;
    append(ids);
    must(ids.size() <= bounds.count);
    must(std::ranges::all_of(ids, [&](auto id) { return id >= 0 && id < bounds.vocab_size; }));
  });
}

void read_dialogue(const data::Split& split, std::uint64_t i) {
  works([&] { (void)split.id(i); });
  works([&] {
    const auto view = split.dialogue(i);
    must(view.first_turn + view.turns <= split.turns());
    must(view.first_fact + view.facts <= split.counts().facts);
    must(split.record(i).turns.size() == view.turns);
  });
}

void read_turn(const data::Split& split, data::TokenId vocab_size, std::uint64_t turn) {
  const auto& counts = split.counts();
  works([&] { must(split.turn_length(turn) <= counts.tokens); });
  take_ids({counts.tokens, vocab_size}, [&](Ids& ids) { split.append_turn(turn, ids); });
  take_ids({1, vocab_size}, [&](Ids& ids) { split.append_turn(turn, ids, 1); });
  works([&] {
    (void)split.turn_speaker(turn);
    (void)split.turn_words(turn);
    (void)split.turn_bytes(turn);
    const auto count = split.distractors(turn);
    must(count <= counts.distractors);
    for (std::uint32_t k = 0; k < count; ++k)
      take_ids({counts.distractor_tokens, vocab_size},
               [&](Ids& ids) { split.append_distractor(turn, k, ids); });
  });
}

void read_all(const data::Split& split, data::TokenId vocab_size) {
  const auto& counts = split.counts();
  const Bounds fact_ids{counts.fact_tokens, vocab_size};
  const Bounds pair_ids{counts.pair_tokens, vocab_size};
  for (std::uint64_t i = 0; i <= split.dialogues(); ++i) read_dialogue(split, i);
  for (std::uint64_t i = 0; i <= split.turns(); ++i) read_turn(split, vocab_size, i);
  for (std::uint64_t i = 0; i <= counts.facts; ++i) {
    works([&] { must(split.fact_length(i) <= counts.fact_tokens); });
    works([&] { (void)split.fact_speaker(i); });
    take_ids(fact_ids, [&](Ids& ids) { split.append_fact(i, ids); });
  }
  for (std::uint64_t i = 0; i <= split.pairs(); ++i) {
    works([&] { must(split.pair_label(i) <= data::Label::kContradiction); });
    works([&] { (void)split.pair_record(i); });
    take_ids(pair_ids, [&](Ids& ids) { split.append_premise(i, ids); });
    take_ids(pair_ids, [&](Ids& ids) { split.append_hypothesis(i, ids); });
  }
}

}  // namespace

/// A store with damaged files is opened and read, or a DataError or FileError says what is wrong;
/// nothing else, and no place outside the files is read. Where only files of rows were changed,
/// `verify` tells.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const SmallStore store;
  Input input({reinterpret_cast<const char*>(bytes), size});
  auto files = store.good();
  for (int edits = 0; edits < 4 && !input.is_empty(); ++edits) edit(files, input);
  store.change(store.good(), files);

  works([&] { (void)data::is_store(store.path()); });
  const bool is_good = files == store.good();
  const bool opens = works([&] {
    const auto opened = data::Store::open(store.path());
    for (const auto& split : opened.splits()) read_all(split, opened.tokenizer().vocab_size());
    const bool is_sound = works([&] { opened.verify(); });
    if (files[0] == store.good()[0]) must(is_sound == is_good);
  });
  must(opens || !is_good);

  store.change(files, store.good());
  return 0;
}
