#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/random.h"
#include "models/checkpoint/checkpoint.h"
#include "tests/batch/made_store.h"
#include "tests/support/crash_states.h"
#include "tests/support/process.h"
#include "tests/support/run_contents.h"
#include "tests/support/run_log.h"
#include "tests/support/temporary_folder.h"
#include "train/log.h"
#include "train/run_folder.h"
#include "train/state.h"

/// A machine that crashes while a training writes leaves a run that goes on, with at most one
/// interval lost, whatever of the unsynced bytes and names has reached its disk.
namespace banter::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSteps = 12, kSaveEvery = 2;

/// The last step that a log line which was written tells of, 0 = none.
std::int64_t told_step(std::string_view written) {
  constexpr std::string_view kLine = R"({"event":"step","step":)";
  if (!written.starts_with(kLine)) return 0;
  return std::strtoll(std::string(written.substr(kLine.size())).c_str(), nullptr, 10);
}

class CrashTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(recipe) << "store: " << store.folder().string() << "\nrun: " << run_.string()
                          << "\ndevice: cpu\nthreads: 1\n"
                             "batch: {tokens_per_batch: 60, max_context_turns: 2}\n"
                             "model: {type: hred, embed_dim: 4, hidden_dim: 4, dropout: 0.1}\n"
                             "train: {steps: "
                          << kSteps << ", save_every: " << kSaveEvery
                          << ", validate_every: 3, valid_replies: 5, log_every: 1, lr: 0.01, "
                             "keep_last: 2, keep_best: [ppl, token_accuracy], ema_decay: 0.9}\n";
    fs::create_directories(world);
  }

  /// Trains, or goes on, with a journal, on a disk with room for so many bytes more.
  ProcessResult started(std::uint64_t space = SIZE_MAX) {
    fs::remove(place / "journal");
    const char* options = std::getenv("ASAN_OPTIONS");
    return run({BANTER_PROGRAM, "train", recipe.string(), "--quiet"}, {},
               {{"LD_PRELOAD", BANTER_FILE_JOURNAL},
                {"BANTER_JOURNAL_OF", world.string()},
                {"BANTER_JOURNAL", (place / "journal").string()},
                {"BANTER_JOURNAL_SPACE", std::to_string(space)},
                // The journal stands before a sanitizer's own library.
                {"ASAN_OPTIONS",
                 std::string(options == nullptr ? "" : options) + ":verify_asan_link_order=0"}});
  }

  /// Trains, or goes on, to the end. What a crash on the way would have left.
  CrashStates train() {
    CrashStates states(world);
    const auto result = started();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    states.read_journal(place / "journal");
    return states;
  }

  std::string fault_of(const Tree& tree, std::int64_t promised);
  std::string log_up_to(const fs::path& of, std::int64_t step);
  void expect_promise(const CrashStates& states, std::int64_t promised_before, int draws);

  const bool is_long = std::getenv("BANTER_LONG") != nullptr;
  MadeStore store{{.dialogues = 24, .most_words = 8, .splits = {"train", "valid"}}};
  TemporaryFolder place;
  const fs::path recipe = place / "recipe.yaml", world = place / "world";
  const fs::path run_ = world / "runs/crashed";  // its parent, too, is made by the program
  std::string config, log;                       ///< of the whole run
  std::set<std::size_t> seen;
  int faults = 0;
};

/// What the log says of steps up to one, without clocks and starts.
std::string CrashTest::log_up_to(const fs::path& of, std::int64_t step) {
  return log_without_clock(of / "log.jsonl", [&](const base::json::object& line) {
    return line.at("step").as_int64() <= step &&
           (line.at("event") == "step" || line.at("event") == "validation");
  });
}

/// Why what a crash left is not what was promised, as the program sees it that goes on; "" = it is.
std::string CrashTest::fault_of(const Tree& tree, std::int64_t promised) {
  write_tree(tree, place / "state");
  const auto crashed = place / "state/runs/crashed";
  try {
    const train::RunFolder folder(crashed);
    if (folder.has_run()) folder.expect_same_config(config);
    const auto steps = models::checkpoint_steps(crashed);
    for (const auto step : steps)
      models::verify_checkpoint(crashed / ("step-" + std::to_string(step)));
    const auto newest = steps.empty() ? 0 : steps.back();
    if (newest < promised) return "the newest checkpoint is of step " + std::to_string(newest);
    if (newest == 0) return {};
    if (!folder.has_run()) return "config.yaml is gone";
    for (const auto* which : {"", "last"}) {
      const auto warning = models::find_checkpoint({crashed, which}).warning;
      if (promised > 0 && !warning.empty()) return warning;
    }
    const auto file = crashed / ("step-" + std::to_string(newest)) / "state.json";
    if (train::TrainState::from_json(base::read_file(file), file.string()).step != newest)
      return "state.json is of another step";
    train::RunLog(crashed / "log.jsonl", newest);
    if (log_up_to(crashed, newest) != log_up_to(place / "whole/runs/crashed", newest))
      return "the log of steps up to " + std::to_string(newest) + " has other lines";
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

/// Of crashes behind every operation.
void CrashTest::expect_promise(const CrashStates& states, std::int64_t promised_before, int draws) {
  auto promised = promised_before;
  for (std::size_t count = 0; count <= states.operations(); ++count) {
    const auto told = count == 0 ? 0 : told_step(states.written(count - 1));
    // Behind the line of a step, all is there that was to be saved before it.
    if (told > 0) promised = std::max(promised, (told - 1) / kSaveEvery * kSaveEvery);
    for (int draw = 0; draw < draws; ++draw) {
      const auto loss = draw == 0 ? Loss::kAll : (draw % 3 == 1 ? Loss::kLate : Loss::kAny);
      const auto key = base::join_keys(static_cast<std::uint64_t>(draw), count);
      const auto tree = states.after_crash(count, loss, key);
      std::string all = std::to_string(promised);
      for (const auto& [name, bytes] : tree) all += name + "\n" + bytes + "\n";
      if (!seen.insert(std::hash<std::string>()(all)).second) continue;
      const auto fault = fault_of(tree, promised);
      if (fault.empty()) continue;
      if (++faults <= 5)
        std::cout << "behind operation " << count << ", draw " << draw << ", promised step "
                  << promised << ": " << fault << "\n";
    }
  }
}

TEST_F(CrashTest, OfAMachineCostsAtMostOneInterval) {
  const auto states = train();
  ASSERT_TRUE(states.after_crash(states.operations(), Loss::kNothing, 0) == read_tree(world))
      << "the journal missed something";
  write_tree(read_tree(world), place / "whole");
  config = base::read_file(run_ / "config.yaml");
  expect_promise(states, 0, is_long ? 100 : 3);
  std::cout << states.operations() << " operations, " << seen.size() << " states\n";
  EXPECT_EQ(faults, 0);
  EXPECT_GT(seen.size(), 200U);

  // The proof can fail: without the one or the other kind of fsync it does.
  for (const bool of_folders : {false, true}) {
    auto careless = states;
    careless.forget_syncs_of(of_folders);
    faults = 0;
    seen.clear();
    std::cout << "without fsync of " << (of_folders ? "folders" : "files") << ":\n";
    expect_promise(careless, 0, 2);
    EXPECT_GT(faults, 0);
  }
}

TEST_F(CrashTest, OfAMachineIsGoneOnFromToTheSameBytes) {
  auto states = train();
  write_tree(read_tree(world), place / "whole");
  config = base::read_file(run_ / "config.yaml");
  const auto expected = run_contents(run_);
  const int crashes = is_long ? 40 : 3;
  for (int number = 0; number < crashes; ++number) {
    // Somewhere in its share of what the run does; the run that goes on crashes next.
    const auto key = static_cast<std::uint64_t>(number + 1);
    const auto share = (static_cast<double>(number % 3) + base::to_unit(key)) / 3;
    const auto count = static_cast<std::size_t>(share * static_cast<double>(states.operations()));
    write_tree(states.after_crash(count, Loss::kAny, key), world);
    const auto saved = models::checkpoint_steps(run_);
    const auto going_on = train();
    const auto got = run_contents(run_);
    ASSERT_EQ(got.size(), expected.size()) << number;
    for (const auto& [name, bytes] : expected)
      EXPECT_TRUE(got.contains(name) && got.at(name) == bytes) << name << " differs: " << number;
    if (number == 0 || is_long) expect_promise(going_on, saved.empty() ? 0 : saved.back(), 2);
    if (number % 3 == 1 && going_on.operations() > 40) states = going_on;
  }
  EXPECT_EQ(faults, 0);
}

/// Wherever it is met: in the log, in a checkpoint, in a pointer.
TEST_F(CrashTest, AFullDiskIsToldAndCostsNothingThatWasSaved) {
  const auto states = train();
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < states.operations(); ++i) all += states.written(i).size();
  const auto expected = run_contents(run_);
  for (const int place_in_four : {1, 3}) {
    write_tree({}, world);
    const auto full = started(all * static_cast<unsigned>(place_in_four) / 4);
    EXPECT_EQ(full.exit_code, 1) << full.err;
    for (const auto& part : {run_.string() + "/", std::string("No space left on device"),
                             std::string("make room"), std::string("the same command goes on")})
      EXPECT_NE(full.err.find(part), std::string::npos) << full.err;
    EXPECT_EQ(models::find_checkpoint({run_, "last"}).warning, "");
    EXPECT_EQ(started().exit_code, 0);
    EXPECT_TRUE(run_contents(run_) == expected) << "it went on to other bytes";
  }
}

TEST_F(CrashTest, ALogThatCannotBeWrittenIsToldBeforeAnythingIsTrained) {
  fs::create_directories(run_ / "log.jsonl");
  const auto refused = started();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find((run_ / "log.jsonl").string() + ": is a folder"), std::string::npos)
      << refused.err;
  EXPECT_TRUE(models::checkpoint_steps(run_).empty());
}

TEST_F(CrashTest, ASecondTrainerIsToldWhoTrainsThere) {
  fs::create_directories(run_);
  const base::FileLock lock(run_ / ".lock");
  const auto refused = started();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find(run_.string() + ": another process (pid " +
                             std::to_string(::getpid()) + " on "),
            std::string::npos)
      << refused.err;
  EXPECT_FALSE(fs::exists(run_ / "log.jsonl"));
}

}  // namespace
}  // namespace banter::tests
