#include "data/store/store.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/store/store_writer.h"
#include "tests/data/made_files.h"
#include "tests/support/stop_signal.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;
using data::Dialogue;
using data::Store;

std::vector<Dialogue> dialogues() {
  Dialogue first;
  first.id = "one";
  first.meta = {{"date", "2004"}, {"odd \"key\"", "line\nend"}};
  first.personas = {{"bob", {"i like tea", "i have a boat"}}, {"zoe", {"never speaks"}}};
  first.turns = {{"ann", " hello  there ", "t1"},
                 {"?", "who ?", ""},
                 {"bob", "me \xE2\x96\x81", ""},
                 {"ann", "ok", "t4"}};
  Dialogue second;
  second.id = "two";
  second.turns = {{"x", "a", ""}, {"y", "b c d", "", {"who", " ok \xE2\x96\x81"}}};
  second.group = "both";
  return {first, second};
}

std::vector<data::Pair> pairs() {
  return {{"p1", "me ok", "who ?", data::Label::kContradiction, "made", "one"},
          {"p2", " hello", "there", data::Label::kEntailment, "", ""}};
}

data::Tokenizer tokenizer(int seed = 0) {
  int left = 200;
  return data::Tokenizer(
      data::Tokenizer::train({.vocab_size = 320}, [&]() -> std::optional<std::string> {
        if (left-- == 0) return std::nullopt;
        return "hello there who me ok " + std::to_string(left + seed);
      }));
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    data::StoreWriter writer(path(), tokenizer());
    data::WordEncoder encoder(tokenizer());
    for (const auto& dialogue : dialogues()) writer.add("train", encode(dialogue, encoder));
    for (const auto& pair : pairs()) writer.add("train", encode(pair, encoder));
    writer.add("valid", encode(dialogues()[1], encoder));
    writer.finish({{"sources", {{{"format", "jsonl"}}}}});
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "store"; }

  /// What opening (and verifying) says after `change` was done to a file; "" = nothing.
  template <typename Change>
  std::string complaint_after(const std::string& file, const Change& change) {
    auto bytes = read_whole(path() / file);
    change(bytes);
    write_file(path() / file, bytes);
    try {
      Store::open(path()).verify();
    } catch (const base::Error& error) {
      return error.what();
    }
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(StoreTest, GivesTheRecordsBack) {
  const auto store = Store::open(path());
  const auto& split = store.split("train");
  ASSERT_EQ(split.dialogues(), 2U);
  for (std::uint64_t i = 0; i < 2; ++i) {
    const auto record = split.record(i);
    const auto wanted = dialogues()[i];
    EXPECT_EQ(record.id, wanted.id);
    EXPECT_EQ(split.id(i), wanted.id);
    EXPECT_EQ(record.meta, wanted.meta);
    EXPECT_EQ(record.personas, wanted.personas);
    ASSERT_EQ(record.turns.size(), wanted.turns.size());
    for (std::size_t t = 0; t < wanted.turns.size(); ++t) {
      EXPECT_EQ(record.turns[t].speaker, wanted.turns[t].speaker);
      EXPECT_EQ(record.turns[t].text, wanted.turns[t].text);
      EXPECT_EQ(record.turns[t].time, wanted.turns[t].time);
      EXPECT_EQ(record.turns[t].distractors, wanted.turns[t].distractors);
    }
    EXPECT_EQ(record.group, wanted.group);
  }
  EXPECT_EQ(store.format(), "jsonl");
  EXPECT_NO_THROW(store.verify());
}

TEST_F(StoreTest, GivesThePairsBack) {
  const auto store = Store::open(path());
  const auto& split = store.split("train");
  ASSERT_EQ(split.pairs(), 2U);
  EXPECT_EQ(store.split("valid").pairs(), 0U);
  for (std::uint64_t i = 0; i < 2; ++i) {
    const auto record = split.pair_record(i);
    const auto wanted = pairs()[i];
    EXPECT_EQ(record.id, wanted.id);
    EXPECT_EQ(record.premise, wanted.premise);
    EXPECT_EQ(record.hypothesis, wanted.hypothesis);
    EXPECT_EQ(record.label, wanted.label);
    EXPECT_EQ(split.pair_label(i), wanted.label);
    EXPECT_EQ(record.source, wanted.source);
    EXPECT_EQ(record.group, wanted.group);
    std::vector<data::TokenId> ids;
    split.append_premise(i, ids);
    EXPECT_EQ(store.tokenizer().decode(ids), wanted.premise);
    ids.clear();
    split.append_hypothesis(i, ids, 1);
    EXPECT_EQ(ids.size(), 1U);
  }
  EXPECT_THROW((void)split.pair_record(2), base::DataError);
}

/// Speaker A is 1 and B is 2, whoever begins, so that `speaker:B` is B; other names are numbered in
/// the order they appear.
TEST_F(StoreTest, LettersNameTheirSpeakers) {
  data::WordEncoder encoder(tokenizer());
  const auto speakers_of = [&](const std::vector<std::string>& names) {
    Dialogue dialogue;
    dialogue.id = "d";
    for (const auto& name : names) dialogue.turns.push_back({name, "ok", ""});
    dialogue.personas = {{names.front(), {"i like tea"}}};
    data::StoreWriter writer(folder_ / "other", tokenizer());
    writer.add("train", encode(dialogue, encoder));
    writer.finish({{"sources", {{{"format", "jsonl"}}}}});
    const auto store = Store::open(folder_ / "other");
    const auto& split = store.split("train");
    EXPECT_EQ(split.fact_speaker(0), split.turn_speaker(0));
    for (std::size_t turn = 0; turn < names.size(); ++turn)
      EXPECT_EQ(split.record(0).turns[turn].speaker, names[turn]);
    std::vector<int> speakers;
    for (std::uint64_t turn = 0; turn < split.turns(); ++turn)
      speakers.push_back(split.turn_speaker(turn));
    fs::remove_all(folder_ / "other");
    return speakers;
  };
  EXPECT_EQ(speakers_of({"B", "A", "B"}), (std::vector<int>{2, 1, 2}));
  EXPECT_EQ(speakers_of({"C", "?", "C"}), (std::vector<int>{3, 0, 3}));
  EXPECT_EQ(speakers_of({"B", "ann"}), (std::vector<int>{1, 2}));
  EXPECT_EQ(speakers_of({"Y", "X"}), (std::vector<int>{1, 2}));
}

TEST_F(StoreTest, DistractorsStandBesideTheirTurn) {
  const auto store = Store::open(path());
  const auto& split = store.split("train");
  EXPECT_EQ(split.distractors(0), 0U);
  EXPECT_EQ(split.distractors(4), 0U);
  ASSERT_EQ(split.distractors(5), 2U);
  std::vector<data::TokenId> ids;
  split.append_distractor(5, 1, ids);
  EXPECT_EQ(store.tokenizer().decode(ids), " ok \xE2\x96\x81");
  EXPECT_THROW(split.append_distractor(5, 2, ids), base::DataError);
  EXPECT_EQ(store.split("valid").distractors(1), 2U);
}

TEST_F(StoreTest, ViewsAgreeWithTheRecords) {
  const auto store = Store::open(path());
  const auto& split = store.split("train");
  EXPECT_EQ(split.turns(), 6U);
  const auto view = split.dialogue(0);
  EXPECT_EQ(view.first_turn, 0U);
  EXPECT_EQ(view.turns, 4U);
  EXPECT_EQ(view.facts, 3U);
  EXPECT_EQ(split.dialogue(1).first_turn, 4U);
  const std::vector<int> speakers = {1, 0, 2, 1, 1, 2};
  std::uint64_t tokens = 0;
  for (std::uint64_t turn = 0; turn < split.turns(); ++turn) {
    EXPECT_EQ(split.turn_speaker(turn), speakers[turn]);
    std::vector<data::TokenId> ids;
    split.append_turn(turn, ids);
    EXPECT_EQ(ids.size(), split.turn_length(turn));
    tokens += ids.size();
    std::vector<data::TokenId> start = {7};
    split.append_turn(turn, start, 1);
    EXPECT_EQ(start, (std::vector<data::TokenId>{7, ids[0]}));
  }
  EXPECT_EQ(tokens, split.tokens());
  EXPECT_EQ(split.turn_words(0), 2U);
  EXPECT_EQ(split.turn_bytes(0), 14U);
  EXPECT_EQ(split.fact_speaker(0), 2);
  EXPECT_EQ(split.fact_speaker(2), 3);
  std::vector<data::TokenId> fact;
  split.append_fact(1, fact);
  EXPECT_EQ(store.tokenizer().decode(fact), "i have a boat");
  EXPECT_EQ(split.fact_length(1), fact.size());
}

TEST_F(StoreTest, CostsEachTurnOnce) {
  const auto store = Store::open(path());
  EXPECT_EQ(std::filesystem::file_size(path() / "train/tokens.bin"),
            store.split("train").tokens() * 2);
}

TEST_F(StoreTest, AnotherIndexOrSplitIsAnError) {
  const auto store = Store::open(path());
  const auto& split = store.split("train");
  std::vector<data::TokenId> ids;
  EXPECT_THROW((void)split.dialogue(2), base::DataError);
  EXPECT_THROW((void)split.turn_length(6), base::DataError);
  EXPECT_THROW(split.append_turn(6, ids), base::DataError);
  EXPECT_THROW((void)split.record(2), base::DataError);
  EXPECT_TRUE(store.has_split("valid"));
  EXPECT_FALSE(store.has_split("test"));
  EXPECT_THROW((void)store.split("test"), base::DataError);
}

TEST_F(StoreTest, AFolderWithoutAStoreIsAnError) {
  EXPECT_THROW(Store::open(folder_ / "none"), base::FileError);
  EXPECT_THROW(Store::open(folder_.path()), base::FileError);
  EXPECT_THROW(Store::open(path() / "manifest.json"), base::FileError);
}

TEST_F(StoreTest, ACutOrLongerFileIsRefusedOnOpening) {
  for (const char* file :
       {"train/tokens.bin", "train/turns.bin", "train/dialogues.bin", "train/facts.bin",
        "train/fact_tokens.bin", "train/texts.bin", "train/distractors.bin",
        "train/distractor_tokens.bin", "train/pairs.bin", "train/pair_tokens.bin",
        "train/pair_texts.bin", "valid/tokens.bin", "tokenizer.model"}) {
    const auto whole = read_whole(path() / file);
    EXPECT_NE(complaint_after(file, [](auto& bytes) { bytes.pop_back(); }), "") << file;
    EXPECT_NE(complaint_after(file, [](auto& bytes) { bytes += "xy"; }), "") << file;
    write_file(path() / file, whole);
  }
}

TEST_F(StoreTest, AFlippedBitIsFoundByVerifying) {
  for (const char* file : {"train/tokens.bin", "train/turns.bin", "valid/texts.bin"}) {
    const auto whole = read_whole(path() / file);
    const auto complaint = complaint_after(file, [](auto& bytes) { bytes[0] ^= 1; });
    EXPECT_NE(complaint.find(file), std::string::npos) << complaint;
    write_file(path() / file, whole);
  }
}

TEST_F(StoreTest, VerifyingTellsHowFarItIsAndHearsASignal) {
  const auto store = Store::open(path());
  std::uint64_t read = 0;
  store.verify([&](std::uint64_t bytes) { read += bytes; });
  EXPECT_GT(read, std::filesystem::file_size(path() / "tokenizer.model"));
  const StopSignal signal;
  EXPECT_THROW(store.verify(), base::Stopped);
}

TEST_F(StoreTest, DamagedRowsNeverReadOutside) {
  for (const char* file : {"train/turns.bin", "train/dialogues.bin", "train/facts.bin",
                           "train/distractors.bin", "train/pairs.bin"}) {
    const auto whole = read_whole(path() / file);
    auto bytes = whole;
    bytes[6] = '\x7F';  // a begin far outside
    write_file(path() / file, bytes);
    const auto store = Store::open(path());
    const auto read_all = [&] {
      const auto& split = store.split("train");
      for (std::uint64_t i = 0; i < split.dialogues(); ++i) (void)split.record(i);
      for (std::uint64_t i = 0; i < split.pairs(); ++i) (void)split.pair_record(i);
    };
    EXPECT_THROW(read_all(), base::DataError) << file;
    write_file(path() / file, whole);
  }
}

TEST_F(StoreTest, DamagedTextsAreErrorsOfOurs) {
  const auto whole = read_whole(path() / "train/texts.bin");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto bytes = whole;
    bytes[at] ^= 8;
    write_file(path() / "train/texts.bin", bytes);
    const auto store = Store::open(path());
    try {
      for (std::uint64_t i = 0; i < 2; ++i) (void)store.split("train").record(i);
    } catch (const base::DataError&) {
      continue;  // told, or a letter of a name changed: only `verify` sees that
    }
  }
}

TEST_F(StoreTest, AnotherTokenizerIsRefused) {
  const auto other = tokenizer(1000).model();
  const auto complaint =
      complaint_after("tokenizer.model", [&](std::string& bytes) { bytes = other; });
  EXPECT_NE(complaint.find("tokenizer.model"), std::string::npos) << complaint;
  EXPECT_NE(complaint.find("not the tokenizer"), std::string::npos) << complaint;
}

TEST_F(StoreTest, AManifestThatIsNoneIsRefused) {
  const auto whole = read_whole(path() / "manifest.json");
  for (const std::string& text : {std::string(), std::string("{}"), std::string("[1]"),
                                  std::string("{\"format\": \"other\"}"), whole.substr(0, 200)})
    EXPECT_NE(complaint_after("manifest.json", [&](auto& bytes) { bytes = text; }), "") << text;
  const auto version = complaint_after("manifest.json", [&](std::string& bytes) {
    bytes = whole;
    bytes.replace(bytes.find("\"version\": 3"), 12, "\"version\": 9");
  });
  EXPECT_NE(version.find("version 9"), std::string::npos) << version;
}

TEST_F(StoreTest, NamesAndHashesOfAManifestArePlain) {
  const auto whole = read_whole(path() / "manifest.json");
  const auto complaint = [&](const std::string& there, const std::string& here) {
    return complaint_after("manifest.json", [&](std::string& bytes) {
      bytes = whole;
      bytes.replace(bytes.find(there), there.size(), here);
    });
  };
  for (const char* name : {R"("../train")", R"(".")", R"("..")", R"("")", R"("t\u001b[2J")",
                           R"("t\u202e")", R"("t\u0000")"})
    for (const char* there : {R"("train")", R"("tokens.bin")", R"("tokenizer.model")"}) {
      const auto told = complaint(there, name);
      EXPECT_NE(told.find("\" is not plain"), std::string::npos) << there << name << told;
      EXPECT_EQ(told.find('\x1B'), std::string::npos);
    }
  for (const char* key : {"corpus_sha256", "sha256"}) {
    const auto start = "\"" + std::string(key) + "\": \"";
    EXPECT_NE(complaint(start, start + "0").find("is no SHA-256"), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace banter::tests
