// What prepare leaves alone, refuses, or leaves behind when it cannot go on.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/lock.h"
#include "tests/data/made_files.h"
#include "tests/data/prepare_fixture.h"
#include "tests/support/full_disk.h"
#include "tests/support/stop_signal.h"

namespace banter::tests {
namespace {

TEST_F(PrepareTest, LeavesAStoreOfEqualInputsAlone) {
  data::prepare(request_);
  const auto before = fs::last_write_time(request_.store / "manifest.json");
  write_file(folder_ / "corpus.jsonl", made_corpus(150));  // fetched again: the same content
  EXPECT_FALSE(data::prepare(request_).made);
  EXPECT_EQ(fs::last_write_time(request_.store / "manifest.json"), before);
}

TEST_F(PrepareTest, RefusesToReplaceAStoreOfOtherInputsUnlessForced) {
  data::prepare(request_);
  const auto before = all_bytes(request_.store);
  request_.data.valid_share = 0.3;
  EXPECT_NE(complaint().find("data.valid_share is 0.2 there and 0.3 here"), std::string::npos)
      << complaint();
  request_.data.valid_share = 0.2;
  write_file(folder_ / "corpus.jsonl", made_corpus(151));
  EXPECT_NE(complaint().find("the content of its files differs"), std::string::npos);
  EXPECT_EQ(all_bytes(request_.store), before);

  request_.force = true;
  EXPECT_TRUE(data::prepare(request_).made);
  const auto store = data::Store::open(request_.store);
  EXPECT_EQ(store.split("train").dialogues() + store.split("valid").dialogues(), 151U);
}

TEST_F(PrepareTest, NeverReplacesAFolderThatIsNoStore) {
  write_file(request_.store / "thesis.txt", "mine");
  request_.force = true;
  EXPECT_NE(complaint().find("is no store"), std::string::npos);
  EXPECT_EQ(read_whole(request_.store / "thesis.txt"), "mine");
}

TEST_F(PrepareTest, AStoreAmongTheFilesOfASourceIsRefusedBeforeAnythingIsMade) {
  write_file(folder_ / "f/corpus.jsonl", made_corpus(20));
  fs::create_directory_symlink("f", folder_ / "link");
  for (const char* source : {"f", "f/", "link", "f/../f"})
    for (const char* store : {"f", "f/store", "f/a/../b/store", "link/store"}) {
      request_.data.sources = {{(folder_ / source).string(), "auto", "auto"}};
      request_.store = folder_ / store;
      EXPECT_THROW(data::prepare(request_), base::ConfigError) << source << " " << store;
      EXPECT_NE(complaint().find("data.sources[0]"), std::string::npos) << complaint();
    }
  EXPECT_EQ(all_bytes(folder_ / "f"), "corpus.jsonl\n" + made_corpus(20));
  request_.store = folder_ / "f2";  // the beginning of a name is not a folder
  EXPECT_EQ(complaint(), "");
}

TEST_F(PrepareTest, ADamagedStoreIsNamedAndReplacedOnlyWhenForced) {
  data::prepare(request_);
  const auto whole = all_bytes(request_.store);
  const auto tokens = request_.store / "train/tokens.bin";
  const std::vector<std::function<void()>> damages = {
      [&] { fs::resize_file(tokens, 10); },
      [&] { fs::remove(tokens); },
      [&] { flip_a_bit(tokens); },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    damages[i]();
    const auto before = all_bytes(request_.store);
    const auto text = complaint();
    EXPECT_NE(text.find("damaged"), std::string::npos) << i << text;
    EXPECT_NE(text.find("train/tokens.bin"), std::string::npos) << i << text;
    EXPECT_EQ(all_bytes(request_.store), before) << i;
    request_.force = true;
    EXPECT_TRUE(data::prepare(request_).made) << i;
    request_.force = false;
    EXPECT_EQ(all_bytes(request_.store), whole) << i;
  }
}

TEST_F(PrepareTest, AStoppedOneLeavesTheOldStoreAndNothingElse) {
  data::prepare(request_);
  const auto before = all_bytes(request_.store);
  request_.data.seed = 2;
  request_.force = true;
  {
    const StopSignal signal;
    EXPECT_THROW(data::prepare(request_), base::Stopped);
  }
  EXPECT_EQ(all_bytes(request_.store), before);
  EXPECT_EQ(names_beside(), (std::vector<std::string>{".made.lock", "made"}));
  EXPECT_TRUE(data::prepare(request_).made);
}

TEST_F(PrepareTest, LeavesNothingBesideTheStoreAndClearsWhatKilledRunsLeft) {
  write_file(folder_ / "stores/made.tmp-12345/store/train/tokens.bin", "half");
  write_file(folder_ / "stores/made.tmp-backup", "the user's");
  data::prepare(request_);
  EXPECT_EQ(names_beside(), (std::vector<std::string>{".made.lock", "made", "made.tmp-backup"}));
  EXPECT_FALSE(fs::exists(request_.store / "scratch"));
}

TEST_F(PrepareTest, TwoAtOnceIsAnErrorForTheSecond) {
  fs::create_directories(folder_ / "stores");
  const base::FileLock held(folder_ / "stores/.made.lock");
  EXPECT_NE(complaint(), "");
  EXPECT_FALSE(fs::exists(request_.store));
}

TEST_F(PrepareTest, AFullDiskLeavesTheOldStoreAndNothingElse) {
  data::prepare(request_);
  const auto before = all_bytes(request_.store);
  request_.data.seed = 2;
  request_.force = true;
  for (const rlim_t bytes : {100, 5'000, 12'000}) {
    const FullDisk full(bytes);
    EXPECT_NE(complaint(), "") << bytes;
  }
  EXPECT_EQ(all_bytes(request_.store), before);
  EXPECT_EQ(names_beside(), (std::vector<std::string>{".made.lock", "made"}));
}

TEST_F(PrepareTest, AStoreThatItsSourcesPatternMatchesIsRefused) {
  request_.data.sources = {{(folder_ / "*").string(), "train", "jsonl"}};
  EXPECT_NE(complaint().find("is read as data.sources[0] or lies inside it"), std::string::npos);
  request_.data.sources = {{(folder_ / "*.jsonl").string(), "train", "auto"}};
  EXPECT_EQ(complaint(), "");
}

TEST_F(PrepareTest, BadSourcesAreErrorsAndLeaveNothing) {
  const auto source = [&](const std::string& bytes) {
    write_file(folder_ / "bad", bytes);
    request_.data.sources = {{(folder_ / "bad").string(), "train", "auto"}};
    const auto text = complaint();
    EXPECT_FALSE(fs::exists(request_.store)) << text;
    return text;
  };
  EXPECT_NE(source("").find("no dialogue is left"), std::string::npos);
  EXPECT_NE(source("{\"turns\": 1}\n").find("the first that is left out: "), std::string::npos);
  EXPECT_NE(source("{\"turns\": 1}\n").find("bad:1: a field is missing"), std::string::npos);
  EXPECT_NE(source(json_line("one", {"alone"})).find("too few turns"), std::string::npos);
  EXPECT_NE(source("\x01\x02").find("no known format"), std::string::npos);
  const auto packed = gzip(made_corpus(50));
  EXPECT_NE(source(packed.substr(0, packed.size() / 2)).find("gzip is cut"), std::string::npos);
  request_.data.sources = {{(folder_ / "none").string(), "train", "auto"}};
  EXPECT_NE(complaint().find("no such file"), std::string::npos);
  request_.data.sources = {{(folder_ / "corpus.jsonl").string(), "valid", "auto"}};
  EXPECT_NE(complaint().find("split train"), std::string::npos);
  fs::create_directories(folder_ / "empty");
  request_.data.sources = {{(folder_ / "empty").string(), "train", "auto"}};
  EXPECT_NE(complaint().find("no dialogue is left"), std::string::npos);
}

TEST_F(PrepareTest, FailsWithTheFirstTenWhenTooMuchIsFaulty) {
  std::string bad;
  for (int i = 0; i < 20; ++i) bad += "{broken\n";
  write_file(folder_ / "corpus.jsonl", made_corpus(30) + bad);
  request_.data.max_skipped = 20;
  EXPECT_EQ(complaint(), "");
  request_.store = folder_ / "stores/other";
  request_.data.max_skipped = 19;
  const auto text = complaint();
  EXPECT_NE(text.find("data.max_skipped = 19"), std::string::npos) << text;
  EXPECT_NE(text.find("corpus.jsonl:31:"), std::string::npos) << text;
  EXPECT_NE(text.find("corpus.jsonl:40:"), std::string::npos) << text;
  EXPECT_EQ(text.find("corpus.jsonl:41:"), std::string::npos) << text;
}

}  // namespace
}  // namespace banter::tests
