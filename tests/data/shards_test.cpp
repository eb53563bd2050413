#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/preparation/prepare.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;
using data::Shard;
using data::Store;

class ShardsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string lines;
    for (int d = 0; d < 2000; ++d)
      lines += json_line("d" + std::to_string(d), {"question " + std::to_string(d), "answer",
                                                   "well " + std::to_string(d % 7)});
    write_file(folder_ / "corpus.jsonl", lines);
    request_.data.sources = {{(folder_ / "corpus.jsonl").string(), "auto", "auto"}};
    request_.data.tokenizer.vocab_size = 400;
    request_.quiet = true;
    data::prepare_tokenizer(request_, folder_ / "words.model");
  }
  Store whole() {
    request_.store = folder_ / "whole";
    data::prepare(request_);
    return Store::open(request_.store);
  }
  void prepare_shard(std::uint32_t index, std::uint32_t count) {
    request_.store = folder_ / "parts";
    request_.data.tokenizer.path = (folder_ / "words.model").string();
    request_.shard = {index, count};
    data::prepare(request_);
  }
  std::string complaint() {
    try {
      Store::open(folder_ / "parts");
    } catch (const base::Error& error) {
      return error.what();
    }
    return "";
  }
  TemporaryFolder folder_;
  data::PrepareRequest request_;
};

TEST_F(ShardsTest, TogetherTheyAreTheStore) {
  const auto store = whole();
  EXPECT_EQ(store.tokenizer().model(), read_whole(folder_ / "words.model"));
  for (std::uint32_t i = 0; i < 3; ++i) prepare_shard(i, 3);
  const auto parts = Store::open(folder_ / "parts");
  EXPECT_NO_THROW(parts.verify());
  EXPECT_NE(parts.hash(), store.hash());
  for (const char* name : {"train", "valid"}) {
    const auto& split = store.split(name);
    const auto& other = parts.split(name);
    ASSERT_EQ(other.dialogues(), split.dialogues());
    EXPECT_EQ(other.turns(), split.turns());
    EXPECT_EQ(other.tokens(), split.tokens());
    std::map<std::string, std::string> texts;
    for (std::uint64_t d = 0; d < split.dialogues(); ++d)
      texts[std::string(split.id(d))] = split.record(d).turns[0].text;
    for (std::uint64_t d = 0; d < other.dialogues(); ++d) {
      const auto record = other.record(d);
      EXPECT_EQ(record.turns[0].text, texts.at(record.id));
      texts.erase(record.id);
      const auto view = other.dialogue(d);
      std::vector<data::TokenId> ids;
      other.append_turn(view.first_turn, ids);
      EXPECT_EQ(parts.tokenizer().decode(ids), record.turns[0].text);
      EXPECT_EQ(other.turn_length(view.first_turn), ids.size());
      EXPECT_EQ(other.turn_words(view.first_turn), 2U);
    }
    EXPECT_TRUE(texts.empty());
    EXPECT_THROW((void)other.dialogue(other.dialogues()), base::DataError);
    EXPECT_THROW((void)other.turn_length(other.turns()), base::DataError);
  }
}

TEST_F(ShardsTest, OfManyFilesEachOpensItsOwn) {
  fs::remove(folder_ / "corpus.jsonl");
  for (int file = 0; file < 7; ++file) {
    std::string lines;
    for (int d = 0; d < 40; ++d)
      lines += json_line("f" + std::to_string(file) + "-" + std::to_string(d), {"a b", "c"});
    write_file(folder_ / "corpus" / (std::to_string(file) + ".jsonl"), lines);
  }
  request_.data.sources = {{(folder_ / "corpus").string(), "auto", "auto"}};
  const auto store = whole();
  for (std::uint32_t i = 0; i < 3; ++i) prepare_shard(i, 3);
  const auto parts = Store::open(folder_ / "parts");
  const auto second = Store::open(folder_ / "parts/shard-1-of-3");
  for (const char* name : {"train", "valid"}) {
    std::set<std::string> ids, other;
    for (std::uint64_t d = 0; d < store.split(name).dialogues(); ++d)
      ids.emplace(store.split(name).id(d));
    for (std::uint64_t d = 0; d < parts.split(name).dialogues(); ++d)
      other.emplace(parts.split(name).id(d));
    EXPECT_EQ(other, ids);
    for (std::uint64_t d = 0; d < second.split(name).dialogues(); ++d) {
      const auto id = second.split(name).id(d);
      EXPECT_TRUE(id.starts_with("f1-") || id.starts_with("f4-")) << id;
    }
  }
}

TEST_F(ShardsTest, AMissingOneIsNamed) {
  prepare_shard(0, 3);
  prepare_shard(2, 3);
  EXPECT_NE(complaint().find("shard 1/3 is missing"), std::string::npos) << complaint();
}

TEST_F(ShardsTest, OnesThatDoNotBelongTogetherAreRefused) {
  prepare_shard(0, 2);
  prepare_shard(0, 3);
  EXPECT_NE(complaint().find("shards of"), std::string::npos) << complaint();
  fs::remove_all(folder_ / "parts/shard-0-of-3");
  request_.data.seed = 9;
  prepare_shard(1, 2);
  EXPECT_NE(complaint().find("other options"), std::string::npos) << complaint();
}

TEST_F(ShardsTest, OneInThePlaceOfAnotherIsRefused) {
  prepare_shard(0, 2);
  fs::copy(folder_ / "parts/shard-0-of-2", folder_ / "parts/shard-1-of-2",
           fs::copy_options::recursive);
  EXPECT_NE(complaint().find("is not shard-1-of-2"), std::string::npos) << complaint();
  EXPECT_THROW(prepare_shard(1, 2), base::DataError);
}

TEST_F(ShardsTest, AreNotHiddenBesideAWholeStore) {
  (void)whole();
  fs::rename(folder_ / "whole", folder_ / "parts");
  EXPECT_THROW(prepare_shard(0, 2), base::DataError);
}

TEST_F(ShardsTest, OneWithoutAKnownFormatIsEmpty) {
  write_file(folder_ / "corpus/a.bin", std::string("\x01\x02\x03", 3));
  write_file(folder_ / "corpus/b.jsonl", json_line("b", {"question", "answer"}));
  request_.data.sources = {{(folder_ / "corpus").string(), "train", "auto"}};
  prepare_shard(0, 2);
  prepare_shard(1, 2);
  EXPECT_EQ(Store::open(folder_ / "parts").split("train").dialogues(), 1U);
  EXPECT_EQ(Store::open(folder_ / "parts").format(), "jsonl");
}

TEST_F(ShardsTest, AreNamedByTwoNumbers) {
  const auto shard = Shard::from("2/5");
  EXPECT_EQ(shard.index, 2U);
  EXPECT_EQ(shard.folder_name(), "shard-2-of-5");
  for (const char* text : {"", "1", "5/5", "-1/2", "1/2x", "a/b", "1/", "/2", "0/0", "1/99999999"})
    EXPECT_THROW((void)Shard::from(text), base::UsageError) << text;
}

TEST_F(ShardsTest, AStoreIsReadAgainAsASource) {
  const auto store = whole();
  request_.store = folder_ / "again";
  request_.data.sources = {{(folder_ / "whole").string(), "auto", "auto"}};
  request_.data.cleaning.lower_case = true;
  data::prepare(request_);
  const auto again = Store::open(request_.store);
  EXPECT_EQ(again.format(), "jsonl");
  for (const auto& split : store.splits()) {
    const auto& other = again.split(split.name());
    ASSERT_EQ(other.dialogues(), split.dialogues());
    for (std::uint64_t d = 0; d < split.dialogues(); ++d) EXPECT_EQ(other.id(d), split.id(d));
  }
}

}  // namespace
}  // namespace banter::tests
