#include <csignal>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/errors.h"
#include "data/preparation/prepare.h"
#include "tests/data/made_files.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

ino_t number_of(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    names.insert(fs::relative(entry.path(), folder).string());
  return names;
}

bool lives(const Process& process) {
  siginfo_t info{};
  const auto id = static_cast<id_t>(process.id());
  return ::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/// A preparation in a process of its own.
class ProcessOfPrepareTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string lines;
    for (int d = 0; d < 30'000; ++d)
      lines += json_line("d" + std::to_string(d), {"question " + std::to_string(d), "answer",
                                                   "well " + std::to_string(d % 7)});
    write_file(folder_ / "corpus.jsonl", lines);
    request_.data.sources = {{(folder_ / "corpus.jsonl").string(), "auto", "auto"}};
    request_.data.tokenizer.vocab_size = 400;
    request_.data.tokenizer.sample_bytes = 20'000;
    request_.quiet = true;
    write_file(folder_ / "recipe.yaml",
               "store: " + partial_store().string() +
                   "\ndata:\n  sources: [{path: " + (folder_ / "corpus.jsonl").string() +
                   "}]\n  checkpoint_records: 1000\n"
                   "  tokenizer: {vocab_size: 400, sample_bytes: 20000}\n");
  }
  [[nodiscard]] fs::path partial_store() const { return folder_ / "made"; }
  [[nodiscard]] fs::path partial() const { return folder_ / "made.partial"; }

  /// Waits until it has kept something of the store.
  void wait_for_a_checkpoint(const Process& process) {
    std::string state;
    while (state.find("checkpoint") == std::string::npos && lives(process))
      state = fs::exists(partial() / "state.json") ? read_whole(partial() / "state.json") : "";
  }
  [[nodiscard]] std::map<std::string, std::string> variables() const {
    return {{"BANTER_TEST_PREPARE", (folder_ / "recipe.yaml").string()}};
  }
  TemporaryFolder folder_;
  data::PrepareRequest request_;
};

/// One that is ended in its midst, by the signal that the test names.
class ContinueTest : public ProcessOfPrepareTest, public testing::WithParamInterface<int> {
 protected:
  void end_in_the_midst() {
    Process process({"/proc/self/exe"}, variables());
    wait_for_a_checkpoint(process);
    process.kill(GetParam());
    (void)process.wait();
  }
};

TEST_F(ProcessOfPrepareTest, WhatCannotBePutInPlaceWaitsForTheNextRun) {
  Process process({"/proc/self/exe"}, variables());
  wait_for_a_checkpoint(process);
  write_file(partial_store() / "thesis.txt", "mine");
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("made: cannot be put in place"), std::string::npos) << result.err;
  EXPECT_EQ(read_whole(partial_store() / "thesis.txt"), "mine");
  const auto tokens = number_of(partial() / "store/train/tokens.bin");
  ASSERT_NE(tokens, 0U);

  request_.store = partial_store();
  EXPECT_THROW(data::prepare(request_), base::FileError) << "it is still there";
  fs::rename(partial_store(), folder_ / "thesis");
  EXPECT_TRUE(data::prepare(request_).made);
  EXPECT_EQ(number_of(partial_store() / "train/tokens.bin"), tokens) << "it began anew";
  const auto store = data::Store::open(partial_store());
  EXPECT_NO_THROW(store.verify());
  EXPECT_EQ(store.split("train").dialogues() + store.split("valid").dialogues(), 30'000U);
  EXPECT_FALSE(fs::exists(partial()));
}

TEST_P(ContinueTest, GoesOnToTheBytesOfAnUnbrokenOne) {
  request_.store = folder_ / "unbroken";
  data::prepare(request_);
  end_in_the_midst();
  ASSERT_FALSE(fs::exists(partial_store())) << "it ended before the signal came";
  const auto tokens = number_of(partial() / "store/train/tokens.bin");
  ASSERT_NE(tokens, 0U);

  request_.store = partial_store();
  EXPECT_TRUE(data::prepare(request_).made);
  EXPECT_EQ(number_of(partial_store() / "train/tokens.bin"), tokens) << "it began anew";
  EXPECT_FALSE(fs::exists(partial()));
  EXPECT_EQ(names_in(partial_store()), names_in(folder_ / "unbroken"));
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "unbroken")) {
    if (!entry.is_regular_file()) continue;
    const auto name = fs::relative(entry.path(), folder_ / "unbroken");
    EXPECT_TRUE(read_whole(entry.path()) == read_whole(partial_store() / name)) << name;
  }
}

TEST_P(ContinueTest, AnotherPlanBeginsAnew) {
  end_in_the_midst();
  ASSERT_FALSE(fs::exists(partial_store())) << "it ended before the signal came";
  request_.store = partial_store();
  request_.data.seed = 2;
  data::prepare(request_);
  EXPECT_NO_THROW(data::Store::open(partial_store()).verify());
  EXPECT_FALSE(fs::exists(partial()));
}

TEST_P(ContinueTest, DamageInWhatIsThereBeginsAnew) {
  end_in_the_midst();
  ASSERT_FALSE(fs::exists(partial_store())) << "it ended before the signal came";
  write_file(partial() / "state.json", "{\"plan\": ");
  request_.store = partial_store();
  data::prepare(request_);
  EXPECT_NO_THROW(data::Store::open(partial_store()).verify());
}

TEST_P(ContinueTest, AFileThatIsShorterThanItWasBeginsAnew) {
  end_in_the_midst();
  ASSERT_FALSE(fs::exists(partial_store())) << "it ended before the signal came";
  fs::resize_file(partial() / "store/train/tokens.bin", 1);
  request_.store = partial_store();
  data::prepare(request_);
  const auto store = data::Store::open(partial_store());
  EXPECT_NO_THROW(store.verify());
  EXPECT_EQ(store.split("train").dialogues() + store.split("valid").dialogues(), 30'000U);
}

TEST_P(ContinueTest, AFolderThatIsTheUsersStays) {
  write_file(partial() / "thesis.txt", "mine");
  request_.store = partial_store();
  EXPECT_THROW(data::prepare(request_), base::FileError);
  EXPECT_EQ(read_whole(partial() / "thesis.txt"), "mine");
}

INSTANTIATE_TEST_SUITE_P(Signals, ContinueTest, testing::Values(SIGKILL, SIGINT, SIGTERM));

}  // namespace
}  // namespace banter::tests
