#include "models/checkpoint/checkpoint.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/errors.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
using base::CheckpointError;
using base::FileError;
using tests::TemporaryFolder;

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Publishes step-N with three files whose content depends on `salt`.
void publish(const fs::path& run, std::int64_t step, char salt = 'w') {
  CheckpointWriter writer(run, step);
  write(writer.folder() / "model.safetensors", std::string(3 * 4096 + 17, salt));
  write(writer.folder() / "config.yaml", "model: {}\n");
  write(writer.folder() / "state.json", "{}\n");
  writer.publish();
}

template <typename Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return {};
}

TEST(CheckpointTest, IsThereOnlyAfterPublish) {
  const TemporaryFolder run;
  {
    CheckpointWriter writer(run.path(), 5);
    write(writer.folder() / "model.safetensors", "half");
    EXPECT_TRUE(checkpoint_steps(run.path()).empty());
  }
  EXPECT_TRUE(fs::is_empty(run.path())) << "an unpublished checkpoint leaves nothing";
  publish(run.path(), 5);
  EXPECT_EQ(checkpoint_steps(run.path()), (std::vector<std::int64_t>{5}));
  verify_checkpoint(run / "step-5");
}

TEST(CheckpointTest, WritesEqualBytesForEqualFiles) {
  const TemporaryFolder a, b;
  publish(a.path(), 7);
  publish(b.path(), 7);
  EXPECT_EQ(read(a / "step-7/manifest.json"), read(b / "step-7/manifest.json"));
}

TEST(CheckpointTest, RemovesLeftoversOfACrash) {
  const TemporaryFolder run;
  fs::create_directories(run / ".step-3.tmp");
  write(run / ".step-3.tmp/model.safetensors", "half");
  fs::create_directories(run / ".step-2.old.tmp");
  write(run / "BEST.ppl.tmp-1234", "step-2");
  write(run / "notes.tmp-1234", "of the user");
  publish(run.path(), 3);
  EXPECT_EQ(read(run / "step-3/model.safetensors").size(), 3U * 4096 + 17);
  remove_leftovers(run.path());
  EXPECT_FALSE(fs::exists(run / ".step-2.old.tmp"));
  EXPECT_FALSE(fs::exists(run / "BEST.ppl.tmp-1234"));
  EXPECT_TRUE(fs::exists(run / "notes.tmp-1234"));
  verify_checkpoint(run / "step-3");
}

TEST(CheckpointTest, PutsBackWhatAnInterruptedExchangeLeftAside) {
  const TemporaryFolder run;
  publish(run.path(), 3, 'x');
  fs::rename(run / "step-3", run / "step-3.old");  // and the new one is not there yet
  publish(run.path(), 4, 'x');
  fs::copy(run / "step-4", run / "step-4.old");  // the new one is there
  fs::create_directories(run / "step-x.old");
  remove_leftovers(run.path());
  verify_checkpoint(run / "step-3");
  verify_checkpoint(run / "step-4");
  EXPECT_FALSE(fs::exists(run / "step-3.old"));
  EXPECT_FALSE(fs::exists(run / "step-4.old"));
  EXPECT_TRUE(fs::exists(run / "step-x.old")) << "of the user";
}

TEST(CheckpointTest, LeavesAnEqualStepAsItIsAndReplacesAnother) {
  const TemporaryFolder run;
  publish(run.path(), 1);
  const auto written = fs::last_write_time(run / "step-1/model.safetensors");
  publish(run.path(), 1);
  EXPECT_EQ(fs::last_write_time(run / "step-1/model.safetensors"), written);
  publish(run.path(), 1, 'x');
  EXPECT_EQ(read(run / "step-1/model.safetensors").front(), 'x');
  write(run / "step-1/model.safetensors", "damaged");
  publish(run.path(), 1, 'x');
  verify_checkpoint(run / "step-1");
}

TEST(CheckpointTest, AnyCutAndAnyChangedBitIsRefused) {
  const TemporaryFolder run;
  publish(run.path(), 9);
  const auto folder = run / "step-9";
  for (const auto* name : {"model.safetensors", "config.yaml", "state.json", "manifest.json"}) {
    const auto path = folder / name;
    const auto whole = read(path);
    for (std::size_t length = 0; length < whole.size(); length += length < 4096 ? 97 : 4096) {
      write(path, whole.substr(0, length));
      EXPECT_NE(refusal([&] { verify_checkpoint(folder); }), "") << name << " cut at " << length;
    }
    write(path, whole.substr(0, whole.size() - 1));
    EXPECT_NE(refusal([&] { verify_checkpoint(folder); }), "") << name << " without its last byte";
    for (std::size_t bit = 0; bit<8 * whole.size(); bit += whole.size()> 4096 ? 1009 : 1) {
      auto changed = whole;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      write(path, changed);
      EXPECT_NE(refusal([&] { verify_checkpoint(folder); }), "") << name << " bit " << bit;
    }
    fs::remove(path);
    EXPECT_NE(refusal([&] { verify_checkpoint(folder); }).find(name), std::string::npos);
    write(path, whole);
  }
  verify_checkpoint(folder);
}

TEST(CheckpointTest, WhatTheManifestDoesNotListIsRefusedWhereItWouldBeRead) {
  const TemporaryFolder run;
  publish(run.path(), 9);
  write(run / "step-9/ema.safetensors", "from elsewhere");
  EXPECT_NE(refusal([&] { verify_checkpoint(run / "step-9"); }).find("ema.safetensors"),
            std::string::npos);
  publish(run.path(), 9);
  write(run / "step-9/notes.txt", "the best so far");
  verify_checkpoint(run / "step-9");
}

TEST(CheckpointTest, OfAnotherStepIsRefused) {
  const TemporaryFolder run;
  publish(run.path(), 9);
  fs::rename(run / "step-9", run / "step-10");
  EXPECT_NE(refusal([&] { verify_checkpoint(run / "step-10"); }).find("another step"),
            std::string::npos);
}

TEST(CheckpointTest, ManifestCannotNameAFileElsewhere) {
  const TemporaryFolder run;
  publish(run.path(), 9);
  auto manifest = read(run / "step-9/manifest.json");
  const std::string name = "state.json";
  manifest.replace(manifest.find(name), name.size(), "../x.json");
  write(run / "step-9/manifest.json", manifest);
  EXPECT_NE(refusal([&] { verify_checkpoint(run / "step-9"); }).find("names no file"),
            std::string::npos);
}

TEST(PointerTest, NamesAStepAndItsManifest) {
  const TemporaryFolder run;
  publish(run.path(), 4);
  EXPECT_EQ(pointed_step(run.path(), "CURRENT"), -1);
  point_to(run.path(), "CURRENT", 4);
  EXPECT_EQ(pointed_step(run.path(), "CURRENT"), 4);
  write(run / "CURRENT", "step-4 abc\n");
  EXPECT_NE(refusal([&] { pointed_step(run.path(), "CURRENT"); }).find("damaged"),
            std::string::npos);
  EXPECT_NE(refusal([&] { point_to(run.path(), "CURRENT", 5); }), "");
}

TEST(RunNameTest, SplitsBehindTheLastAt) {
  EXPECT_EQ(RunName::parse("runs/u").which, "");
  EXPECT_EQ(RunName::parse("runs/u@last").which, "last");
  EXPECT_EQ(RunName::parse("runs/u@step-20").which, "step-20");
  EXPECT_EQ(RunName::parse("runs/u@best:ppl").run, "runs/u");
  EXPECT_EQ(RunName::parse("runs/u@ema").which, "ema");
  EXPECT_EQ(RunName::parse("a@b@last").run, "a@b");
  EXPECT_THROW(RunName::parse("runs/u@newest"), base::UsageError);
  EXPECT_THROW(RunName::parse("runs/u@step-x"), base::UsageError);
  EXPECT_THROW(RunName::parse("runs/u@best:"), base::UsageError);
  EXPECT_THROW(RunName::parse("@last"), base::UsageError);
  const TemporaryFolder folder;
  fs::create_directories(folder / "me@home");
  EXPECT_EQ(RunName::parse((folder / "me@home").string()).run, folder / "me@home");
}

class FindCheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto step : {10, 20, 30}) publish(run.path(), step, static_cast<char>(step));
    point_to(run.path(), "CURRENT", 20);
    point_to(run.path(), "BEST.ppl", 20);
    point_to(run.path(), "BEST.bpb", 10);
    point_to(run.path(), "LAST", 30);
  }
  Checkpoint find(const std::string& which) { return find_checkpoint({run.path(), which}); }
  std::string problem(const std::string& which) {
    return refusal([&] { find(which); });
  }
  TemporaryFolder run;
};

TEST_F(FindCheckpointTest, FollowsEveryKindOfName) {
  EXPECT_EQ(find("").step, 20);
  EXPECT_EQ(find("last").step, 30);
  EXPECT_EQ(find("step-10").step, 10);
  EXPECT_EQ(find("best:bpb").step, 10);
  EXPECT_EQ(find("").warning, "");
  EXPECT_EQ(find("").hash.size(), 64U);
}

TEST_F(FindCheckpointTest, FallsBackToTheNewestGoodOneWithAWarning) {
  write(run / "step-30/model.safetensors", "damaged");
  EXPECT_EQ(find("last").step, 20);
  EXPECT_NE(find("last").warning.find("model.safetensors"), std::string::npos);
  write(run / "step-20/state.json", "");
  EXPECT_EQ(find("").step, 10);
  EXPECT_NE(problem("step-20"), "") << "an exact name has no substitute";
  write(run / "step-10/state.json", "");
  EXPECT_NE(problem("").find("no other checkpoint"), std::string::npos);
}

TEST_F(FindCheckpointTest, APointerThatCannotBeReadIsADamagedOne) {
  write(run / "CURRENT", std::string(5000, 'x'));
  EXPECT_EQ(find("").step, 30);
  EXPECT_NE(find("").warning.find("CURRENT"), std::string::npos);
}

TEST_F(FindCheckpointTest, AReplacedCheckpointIsNotWhatThePointerMeant) {
  publish(run.path(), 10, 'x');
  EXPECT_NE(problem("best:bpb").find("names another step-10"), std::string::npos);
}

TEST_F(FindCheckpointTest, TellsWhatThereIs) {
  EXPECT_NE(problem("step-11").find("RUN@step-10, RUN@step-20"), std::string::npos);
  EXPECT_NE(problem("best:bleu").find("RUN@best:bpb, RUN@best:ppl"), std::string::npos);
  EXPECT_NE(problem("ema").find("ema_decay"), std::string::npos);
  EXPECT_NE(refusal([&] {
              find_checkpoint({run / "none", ""});
            }).find("no such run"),
            std::string::npos);
  const TemporaryFolder empty;
  EXPECT_NE(refusal([&] {
              find_checkpoint({empty.path(), ""});
            }).find("no checkpoint yet"),
            std::string::npos);
}

TEST_F(FindCheckpointTest, AFullDiskLeavesTheRunAsItWas) {
  {
    const tests::FullDisk full(
        100);  // the files of the test fit in no way: not even the manifest does
    EXPECT_THROW(publish(run.path(), 40), FileError);
  }
  EXPECT_EQ(checkpoint_steps(run.path()), (std::vector<std::int64_t>{10, 20, 30}));
  EXPECT_FALSE(fs::exists(run / ".step-40.tmp"));
  EXPECT_EQ(find("last").step, 30);
  publish(run.path(), 40);
  verify_checkpoint(run / "step-40");
}

}  // namespace
}  // namespace banter::models
