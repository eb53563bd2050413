#include "data/preparation/prepare.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/made_files.h"
#include "tests/data/prepare_fixture.h"
#include "tests/support/corpora.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

TEST_F(PrepareTest, MakesAStoreThatHoldsEveryDialogueOnce) {
  EXPECT_TRUE(data::prepare(request_).made);
  const auto store = data::Store::open(request_.store);
  EXPECT_NO_THROW(store.verify());
  const auto train = store.split("train").dialogues();
  const auto valid = store.split("valid").dialogues();
  EXPECT_EQ(train + valid, 150U);
  EXPECT_GT(valid, 12U);
  EXPECT_LT(valid, 55U);
  for (const auto& split : store.splits())
    for (std::uint64_t i = 0; i < split.dialogues(); ++i) {
      const auto record = split.record(i);
      const auto d = std::stoull(record.id.substr(1));
      ASSERT_EQ(record.turns.size(), 2 + d % 5);
      EXPECT_EQ(record.turns[1].text, made_text(d * 10 + 1));
    }
}

TEST_F(PrepareTest, ATestSetIsASplitThatNothingElseTouches) {
  write_file(folder_ / "later.jsonl", made_corpus(20, /*first=*/500));
  data::prepare(request_);
  const auto before = data::Store::open(request_.store);
  request_.store = folder_ / "stores/with_test";
  request_.data.sources.push_back({(folder_ / "later.jsonl").string(), "test", "auto"});
  data::prepare(request_);
  const auto store = data::Store::open(request_.store);
  EXPECT_EQ(store.split("test").dialogues(), 20U);
  EXPECT_EQ(store.split("test").id(0), "d500");
  EXPECT_EQ(store.split("train").dialogues(), before.split("train").dialogues());
  EXPECT_EQ(store.split("valid").dialogues(), before.split("valid").dialogues());
  EXPECT_EQ(store.tokenizer().hash(), before.tokenizer().hash());
}

TEST_F(PrepareTest, ASmallCorpusHasSomethingToBeJudgedBy) {
  request_.data.valid_share = 0.0001;
  for (const std::uint64_t dialogues : {1, 2, 3, 20}) {
    write_file(folder_ / "corpus.jsonl", made_corpus(dialogues));
    request_.store = folder_ / "stores" / std::to_string(dialogues);
    EXPECT_EQ(data::prepare(request_).problems.by_rule().size(), 0U);
    const auto store = data::Store::open(request_.store);
    EXPECT_EQ(store.has_split("valid"), dialogues > 1) << dialogues;
    EXPECT_EQ(store.split("train").dialogues(), std::max<std::uint64_t>(dialogues - 1, 1));
    EXPECT_FALSE(data::prepare(request_).made);
  }
  request_.data.valid_share = 0;
  request_.store = folder_ / "stores/none";
  data::prepare(request_);
  EXPECT_FALSE(data::Store::open(request_.store).has_split("valid"));
}

TEST_F(PrepareTest, WhatIsChosenForTheTokenizerIsNotChosenAgainForTheIds) {
  std::string lines;  // a MB, so that each reading draws a bar
  for (std::uint64_t d = 0; d < 4; ++d) {
    std::string text;
    while (text.size() < 400'000) text += made_text(d * 100'000 + text.size()) + " ";
    lines += json_line("d" + std::to_string(d), {text, "yes"});
  }
  write_file(folder_ / "corpus.jsonl", lines);
  request_.data.valid_share = 1e-6;
  request_.data.tokenizer.sample_bytes = 20'000;
  request_.quiet = false;
  testing::internal::CaptureStderr();
  data::prepare(request_);
  std::istringstream told(testing::internal::GetCapturedStderr());
  std::map<std::string, int> readings;
  for (std::string line; std::getline(told, line);)
    if (const auto end = line.find(" 100%"); end != std::string::npos)
      ++readings[line.substr(0, end)];
  EXPECT_EQ(readings["reading"], 2);
  EXPECT_EQ(readings["encoding"], 1);
  EXPECT_EQ(data::Store::open(request_.store).split("valid").dialogues(), 1U);
}

TEST_F(PrepareTest, DialoguesOfOneIdAreNotAllKeptOutOfTheTraining) {
  for (const char* name : {"a", "b"})
    write_file(folder_ / "f" / name, json_line("same", {"hello " + std::string(name), "hi"}));
  request_.data.sources = {{(folder_ / "f").string(), "auto", "auto"}};
  request_.data.valid_share = 0.0001;
  data::prepare(request_);
  EXPECT_EQ(data::Store::open(request_.store).split("train").dialogues(), 2U);
}

TEST_F(PrepareTest, EqualInputsMakeEqualBytes) {
  data::prepare(request_);
  auto again = request_;
  again.store = folder_ / "stores/again";
  data::prepare(again);
  EXPECT_EQ(all_bytes(request_.store), all_bytes(again.store));
  EXPECT_EQ(data::Store::open(request_.store).hash(), data::Store::open(again.store).hash());
}

TEST_F(PrepareTest, WhereACorpusLiesAndHowItsPathIsSpeltChangesNoByte) {
  const auto turn = [](const char* from, const std::string& text) {
    return std::string("2004-11-15T12:18:00.000Z\t") + from + "\t\t" + text + "\n";
  };
  for (const char* root : {"here", "there/below"}) {
    write_file(folder_ / root / "corpus/a.jsonl", made_corpus(20));
    write_file(folder_ / root / "3/1.tsv", turn("ann", "hello") + turn("bob", "hi"));
  }
  std::string first;
  for (const char* root : {"here", "there/below", "here/../there/./below", "here/"}) {
    request_.store = folder_ / "stores" / std::to_string(std::hash<std::string>{}(root));
    request_.data.sources = {{(folder_ / root / "corpus").string(), "auto", "auto"},
                             {(folder_ / root / "3/./1.tsv").string(), "train", "auto"}};
    data::prepare(request_);
    const auto bytes = all_bytes(request_.store);
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first) << root;
  }
  EXPECT_NE(first.find("3/1{"), std::string::npos);  // the id, and what comes behind it
}

TEST_F(PrepareTest, EveryOptionOfCleaningAndTransformsIsStored) {
  data::prepare(request_);
  using Change = std::function<void(data::DataOptions&)>;
  const std::vector<std::pair<std::string, Change>> changes = {
      {"data.split_by is \"id\" there and \"meta:k\" here", [](auto& o) { o.split_by = "meta:k"; }},
      {"data.cleaning.blocked is [] there and [\"q\"] here",
       [](auto& o) { o.cleaning.blocked = {"q"}; }},
      {"data.cleaning.normalization is \"none\" there and \"nfkc\" here",
       [](auto& o) { o.cleaning.normalization = "nfkc"; }},
      {"data.cleaning.drop_captions ", [](auto& o) { o.cleaning.drop_captions = true; }},
      {"data.cleaning.drop_dashes ", [](auto& o) { o.cleaning.drop_dashes = true; }},
      {"data.cleaning.drop_names ", [](auto& o) { o.cleaning.drop_names = true; }},
      {"data.cleaning.drop_music ", [](auto& o) { o.cleaning.drop_music = true; }},
      {"data.cleaning.lower_case ", [](auto& o) { o.cleaning.lower_case = true; }},
      {"data.cleaning.expand_contractions ",
       [](auto& o) { o.cleaning.expand_contractions = true; }},
      {"data.cleaning.merge_consecutive ", [](auto& o) { o.cleaning.merge_consecutive = true; }},
      {"data.cleaning.min_turn_words ", [](auto& o) { o.cleaning.min_turn_words = 1; }},
      {"data.cleaning.max_turn_words ", [](auto& o) { o.cleaning.max_turn_words = 1; }},
      {"data.cleaning.min_turn_characters ", [](auto& o) { o.cleaning.min_turn_characters = 1; }},
      {"data.cleaning.max_turn_characters ", [](auto& o) { o.cleaning.max_turn_characters = 1; }},
      {"data.cleaning.min_turns ", [](auto& o) { o.cleaning.min_turns = 3; }},
      {"data.cleaning.max_turns ", [](auto& o) { o.cleaning.max_turns = 3; }},
      {"data.cleaning.scripts ", [](auto& o) { o.cleaning.scripts = {"Latin"}; }},
      {"data.cleaning.script_share ", [](auto& o) { o.cleaning.script_share = 0.5; }},
      {"data.cleaning.duplicates ", [](auto& o) { o.cleaning.duplicates = "exact"; }},
      {"data.transforms is [] there and [{\"name\":\"drop_turns\",\"share\":5E-1,\"seed\":1}] here",
       [](auto& o) { o.transforms = {{"drop_turns"}}; }},
  };
  const auto before = request_.data;
  for (const auto& [sentence, change] : changes) {
    request_.data = before;
    change(request_.data);
    EXPECT_NE(complaint().find(sentence), std::string::npos) << sentence << '\n' << complaint();
  }
}

TEST_F(PrepareTest, WhatIsCleanedAndTransformedIsWhatTheStoreHolds) {
  request_.data.sources[0].split = "train";
  request_.data.cleaning.lower_case = true;
  request_.data.cleaning.min_turns = 3;
  request_.data.transforms = {{"reverse_turns"}};
  write_file(folder_ / "corpus.jsonl",
             json_line("a", {"ONE", "TWO", "THREE"}) + json_line("b", {"FOUR", "FIVE"}));
  const auto result = data::prepare(request_);
  const auto store = data::Store::open(request_.store);
  ASSERT_EQ(store.split("train").dialogues(), 1U);
  const auto record = store.split("train").record(0);
  ASSERT_EQ(record.turns.size(), 3U);
  EXPECT_EQ(record.turns[0].text, "two");
  EXPECT_EQ(record.turns[0].speaker, "B");
  EXPECT_EQ(record.turns[1].text, "one");
  EXPECT_EQ(record.turns[2].text, "three");
  const auto& told = result.problems.by_rule();
  EXPECT_EQ(told.at("a dialogue has fewer turns than data.cleaning.min_turns").count, 1U);
  EXPECT_EQ(told.at("letters are made small (data.cleaning.lower_case)").count, 2U);
  EXPECT_EQ(told.at("turns before a reply are reversed (reverse_turns)").count, 1U);
  EXPECT_EQ(result.problems.records_lost(), 1U);
}

TEST_F(PrepareTest, ADialogueThatATransformLeavesWithoutContextIsLeftOut) {
  request_.data.transforms = {{"keep_last_turn"}, {"drop_last_turn"}};
  EXPECT_NE(complaint().find("data.transforms leave nothing before a reply"), std::string::npos)
      << complaint();
  request_.data.transforms = {{"drop_last_turn"}};
  const auto result = data::prepare(request_);
  const auto store = data::Store::open(request_.store);
  EXPECT_EQ(store.split("train").dialogues() + store.split("valid").dialogues(), 120U);
  EXPECT_EQ(result.problems.records_lost(), 30U);  // every fifth has two turns
}

TEST_F(PrepareTest, DialoguesOfOneMetaValueStayInOneSplit) {
  std::string lines;
  for (int chain = 0; chain < 60; ++chain)
    for (int session = 0; session < 3; ++session) {
      auto line = json_line(std::to_string(chain) + ":" + std::to_string(session),
                            {made_text(static_cast<std::uint64_t>(chain)), "yes"});
      line.insert(1, R"("meta": {"chain": "c)" + std::to_string(chain) + R"("}, )");
      lines += line;
    }
  write_file(folder_ / "corpus.jsonl", lines + made_corpus(2));
  request_.data.split_by = "meta:chain";
  const auto result = data::prepare(request_);
  const auto store = data::Store::open(request_.store);
  std::map<std::string, std::set<std::string>> splits;  // of each chain
  for (const auto& split : store.splits())
    for (std::uint64_t i = 0; i < split.dialogues(); ++i)
      if (const auto meta = split.record(i).meta; !meta.empty())
        splits[meta[0].second].insert(split.name());
  EXPECT_EQ(splits.size(), 60U);
  for (const auto& [chain, names] : splits) EXPECT_EQ(names.size(), 1U) << chain;
  EXPECT_GT(store.split("valid").dialogues(), 8U);
  const auto& told = result.problems.by_rule();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.begin()->first,
            "a record lacks what data.split_by names: its group or id is used");
  EXPECT_EQ(told.begin()->second.count, 2U);
  EXPECT_EQ(told.begin()->second.severity, data::Severity::kNote);

  request_.data.split_by = "id";  // then three draws seldom agree
  request_.store = folder_ / "stores/id";
  EXPECT_TRUE(data::prepare(request_).problems.by_rule().empty());
}

TEST_F(PrepareTest, FilesOfAPatternAreHashedAndRead) {
  write_file(folder_ / "parts/a.jsonl", made_corpus(40));
  write_file(folder_ / "parts/b.jsonl", made_corpus(30, 40));
  write_file(folder_ / "parts/c.txt", "not this one");
  request_.data.sources = {{(folder_ / "parts/*.jsonl").string(), "train", "auto"}};
  data::prepare(request_);
  EXPECT_EQ(data::Store::open(request_.store).split("train").dialogues(), 70U);
  write_file(folder_ / "parts/c.txt", "changed");
  EXPECT_FALSE(data::prepare(request_).made);
  write_file(folder_ / "parts/c.jsonl", made_corpus(1, 70));
  EXPECT_NE(complaint().find("the content of its files differs"), std::string::npos);
  request_.data.sources = {{(folder_ / "none/*.jsonl").string(), "train", "auto"}};
  EXPECT_NE(complaint().find("none/*.jsonl: "), std::string::npos);
}

TEST_F(PrepareTest, WideVocabulariesRoundTrip) {
  // 70,000 different characters, each a piece of its own, need ids above 65,535.
  std::string lines;
  const auto append = [](std::string& text, unsigned c) {
    text += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
             static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
  };
  for (unsigned d = 0; d < 700; ++d) {
    std::vector<std::string> texts(2);
    for (unsigned i = 0; i < 100; ++i) append(texts[i % 2], 0x20000 + d * 100 + i);
    lines += json_line("w" + std::to_string(d), texts);
  }
  write_file(folder_ / "corpus.jsonl", lines);
  request_.data.sources[0].split = "train";
  request_.data.tokenizer.vocab_size = 80'000;
  request_.data.tokenizer.character_coverage = 1.0;
  data::prepare(request_);
  const auto store = data::Store::open(request_.store);
  EXPECT_GT(store.tokenizer().vocab_size(), 65'536);
  const auto reading = read_corpus(folder_ / "corpus.jsonl");
  for (const std::uint64_t i : {0, 350, 699})
    EXPECT_EQ(store.split("train").record(i).turns[1].text, reading.dialogues[i].turns[1].text);
}

TEST_F(PrepareTest, ASentencePieceModelOfOthersIsATokenizerToo) {
  const auto model = read_whole(BANTER_SOURCE_DIR
                                "/tests/fixtures/hugging_face/encoders/xlm-roberta/"
                                "sentencepiece.bpe.model");
  const auto file = folder_ / "foreign.model";
  write_file(file, model);
  request_.data.tokenizer.path = file.string();
  data::prepare(request_);
  EXPECT_FALSE(data::prepare(request_).made) << "it is the same file";
  const auto store = data::Store::open(request_.store);
  const auto& tokenizer = store.tokenizer();
  const auto pieces = data::pieces_of(model);
  const auto first = tokenizer.special().count() + 256;
  for (std::size_t i = 3; i < pieces.size(); ++i)
    EXPECT_EQ(tokenizer.piece(first + static_cast<data::TokenId>(i) - 3), pieces[i]);
  const auto record = store.split("train").record(0);
  EXPECT_EQ(record.turns[1].text, made_text(std::stoull(record.id.substr(1)) * 10 + 1));

  write_file(file, "no model");
  request_.store = folder_ / "stores/other";
  EXPECT_NE(complaint().find(file.string() + ": is no SentencePiece model"), std::string::npos)
      << complaint();
}

TEST(PrepareCorporaTest, UbuntuHasItsPublishedCounts) {
  if (const auto why = missing_corpus("native/ubuntu_v1"); !why.empty()) GTEST_SKIP() << why;
  const TemporaryFolder folder;
  data::PrepareRequest request;
  request.store = folder / "store";
  const auto native = corpora() / "native/ubuntu_v1";
  request.data.sources = {{(native / "dialogs_train.tar.gz").string(), "train", "auto"},
                          {(native / "dialogs_valid.tar.gz").string(), "valid", "auto"}};
  request.data.tokenizer.vocab_size = 2000;
  request.data.tokenizer.sample_bytes = 500'000;
  request.quiet = true;
  const auto result = data::prepare(request);
  EXPECT_EQ(result.problems.records_lost(), 0U);
  const auto store = data::Store::open(request.store);
  EXPECT_EQ(store.split("train").dialogues(), 11'088U);
  EXPECT_EQ(store.split("train").turns(), 108'378U);
  EXPECT_EQ(store.split("valid").dialogues(), 743U);
  EXPECT_EQ(store.split("valid").turns(), 6'491U);
  EXPECT_EQ(store.format(), "ubuntu_v1");

  // The archive's members stand in the order of the lines of the JSON Lines form.
  if (const auto why = missing_corpus("ubuntu/valid.jsonl.gz"); !why.empty()) GTEST_SKIP() << why;
  const auto lines = read_corpus(corpora() / "ubuntu/valid.jsonl.gz");
  ASSERT_EQ(lines.dialogues.size(), 743U);
  for (std::uint64_t i = 0; i < 743; ++i) {
    const auto record = store.split("valid").record(i);
    ASSERT_EQ(record.turns.size(), lines.dialogues[i].turns.size());
    for (std::size_t t = 0; t < record.turns.size(); ++t)
      ASSERT_EQ(record.turns[t].text, lines.dialogues[i].turns[t].text);
  }
}

}  // namespace
}  // namespace banter::tests
