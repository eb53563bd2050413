#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "tests/batch/made_store.h"
#include "tests/support/process.h"
#include "tests/support/run_contents.h"
#include "tests/support/temporary_folder.h"

/// A training that is killed with -9 again and again ends with the very bytes of one that never
/// was.
namespace banter::tests {
namespace {

namespace fs = std::filesystem;

/// Sees what happens in a run folder, as it happens (inotify): no sleeping, no guessing.
class RunWatcher {
 public:
  explicit RunWatcher(const fs::path& run) : run_(run), fd_(inotify_init1(IN_CLOEXEC)) {
    watch(run_);
  }
  ~RunWatcher() { ::close(fd_); }
  RunWatcher(const RunWatcher&) = delete;
  RunWatcher& operator=(const RunWatcher&) = delete;

  /// Waits for `count` events of which `name` (a file that something happened to) has `part` in it.
  /// False when the process ended first.
  bool wait_for(int count, std::string_view part, int process) {
    while (count > 0) {
      std::array<pollfd, 2> polled = {pollfd{fd_, POLLIN, 0}, pollfd{process, POLLIN, 0}};
      if (::poll(polled.data(), polled.size(), -1) < 0) continue;
      if (polled[0].revents == 0) return false;
      alignas(inotify_event) std::array<char, 4096> buffer{};
      const auto bytes = ::read(fd_, buffer.data(), buffer.size());
      for (const char* at = buffer.data(); at < buffer.data() + bytes;) {
        inotify_event event{};
        std::memcpy(&event, at, sizeof event);
        const std::string name = event.len > 0 ? at + sizeof event : "";
        at += sizeof event + event.len;
        if ((event.mask & IN_ISDIR) != 0 && (event.mask & IN_CREATE) != 0) watch(run_ / name);
        const bool in_a_checkpoint = event.wd != 1;
        if (name.find(part) != std::string::npos || (part == kInSave && in_a_checkpoint)) --count;
      }
    }
    return true;
  }

  static constexpr std::string_view kInSave = ".tmp";  ///< something about an unfinished checkpoint

 private:
  void watch(const fs::path& folder) {
    inotify_add_watch(fd_, folder.c_str(),
                      IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
  }
  fs::path run_;
  int fd_;
};

class KillTest : public testing::Test {
 protected:
  fs::path recipe(const std::string& run) {
    const auto file = place / (run + ".yaml");
    std::ofstream(file) << "store: " << store.folder().string()
                        << "\nrun: " << (place / run).string()
                        << "\ndevice: cpu\n"
                           "batch: {tokens_per_batch: 200, max_context_turns: 4}\n"
                           "model: "
                        << model
                        << "\ntrain: {pairs_per_dialogue_batch: " << pairs_per_dialogue_batch
                        << ", steps: " << steps
                        << ", micro_batches: 2, ema_decay: 0.99, lr: 0.005, "
                           "validate_every: 10, valid_replies: 20, save_every: 4, keep_last: 3, "
                           "keep_best: [ppl, token_accuracy], log_every: 1"
                        << more << "}\n";
    return file;
  }
  /// One thread, or two that do not spin (other tests want the cores, too).
  std::vector<std::string> command(const fs::path& file) const {
    return {BANTER_PROGRAM, "train", file.string(), "--quiet", "--threads", is_long ? "2" : "1"};
  }
  const std::map<std::string, std::string> variables = {{"OMP_WAIT_POLICY", "passive"}};
  const bool is_long = std::getenv("BANTER_LONG") != nullptr;
  int steps = is_long ? 620 : 84;

  /// Runs to the end. The files it left.
  std::map<std::string, std::string> finished(const std::string& name) {
    const auto result = run(command(recipe(name)), {}, variables);
    if (result.exit_code != 0) throw std::runtime_error(result.err);
    return run_contents(place / name);
  }

  /// Starts the run and kills it at a moment that `number` names. False when it ended before.
  bool killed(const fs::path& file, const fs::path& run, std::uint64_t number) {
    fs::create_directories(run);
    RunWatcher watcher(run);
    Process process(command(file), variables);
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process.id(), 0));
    if (handle < 0) throw std::runtime_error("no pidfd");
    const auto random = [&](std::uint64_t size) {
      return 1 + static_cast<int>(base::mix64(number) % size);
    };
    bool came = false;
    switch (number % 3) {
      case 0:  // somewhere in a save: files being written, the rename, what is tidied up behind it
        came = watcher.wait_for(random(30), RunWatcher::kInSave, handle);
        break;
      case 1:  // a step was just told: the next one's micro-batches are being summed
        came = watcher.wait_for(random(12), "log.jsonl", handle);
        break;
      default:  // anything
        came = watcher.wait_for(random(60), "", handle);
    }
    process.kill(SIGKILL);
    ::close(handle);
    const auto result = process.wait();
    EXPECT_TRUE(result.exit_code == 128 + SIGKILL || !came) << result.err;
    return result.exit_code == 128 + SIGKILL;
  }

  void expect_the_bytes_of_an_unbroken_run();

  std::string model =
      "{type: hred, embed_dim: 24, hidden_dim: 32, dropout: 0.1, dropout_kind: locked, "
      "embedding_dropout: 0.05}";
  std::string more;  ///< of the recipe's train
  int pairs_per_dialogue_batch = 0;
  MadeStore store{{.dialogues = 60, .pairs = 90, .splits = {"train", "valid"}}};
  TemporaryFolder place;
};

void KillTest::expect_the_bytes_of_an_unbroken_run() {
  const auto expected = finished("unbroken");
  const int wanted = is_long ? 60 : 5;
  const auto file = recipe("killed");
  int kills = 0, in_a_save = 0;
  for (std::uint64_t number = 0; number < 200 && (kills < wanted || in_a_save == 0); ++number) {
    // On a busy machine the signal may come when the save is over: then it is tried again.
    if (!killed(file, place / "killed", kills < wanted ? number : 3 * number)) break;
    ++kills;
    for (const auto& entry : fs::directory_iterator(place / "killed"))
      if (entry.path().extension() == ".tmp") {
        ++in_a_save;
        break;
      }
  }
  const auto got = finished("killed");
  std::cout << kills << " kills, " << in_a_save << " of them in a save\n";
  EXPECT_GE(kills, wanted) << "the run ended too early to be killed so often";
  EXPECT_GT(in_a_save, 0);

  for (const auto& [name, bytes] : expected) {
    ASSERT_TRUE(got.contains(name)) << name;
    EXPECT_TRUE(got.at(name) == bytes) << name << " differs";
  }
  for (const auto& [name, bytes] : got) EXPECT_TRUE(expected.contains(name)) << name << " is new";
}

TEST_F(KillTest, ARunKilledAtRandomMomentsEndsWithTheBytesOfAnUnbrokenOne) {
  expect_the_bytes_of_an_unbroken_run();
}

/// Both places in the data are exact, and the second phase begins on its step.
TEST_F(KillTest, SoDoesOneThatLearnsFromSentencePairsBesideDialogues) {
  model =
      "{type: stack_propagation, dim: 16, heads: 2, ffn_dim: 24, encoder_layers: 1, "
      "decoder_layers: 1, consistency_layers: 1, phase1_steps: 40}";
  pairs_per_dialogue_batch = 1;
  expect_the_bytes_of_an_unbroken_run();
}

/// Users can have the same proof of their own recipe.
TEST_F(KillTest, TheProgramProvesItOfARecipe) {
  auto asked = command(recipe("proved"));
  for (const auto* argument :
       {"--json", "--verify-resume", "--verify-steps", "12", "--verify-kills", "3"})
    asked.emplace_back(argument);
  const auto result = run(asked, {}, variables);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto proof = base::parse_json(result.out, "proof").as_object();
  EXPECT_EQ(proof.at("differences").as_array().size(), 0U) << result.out;
  EXPECT_GE(proof.at("resumed").as_int64(), 1) << result.out;
  EXPECT_GE(proof.at("files").as_int64(), 8) << result.out;
  EXPECT_EQ(proof.at("validations").as_int64(), 4) << "every 10 steps, says the recipe, of 12";
  EXPECT_FALSE(fs::exists(place / "proved")) << "the run's own folder is not touched";
  EXPECT_FALSE(fs::exists(place / "proved.verify-resume"));

  fs::create_directories(place / "proved.verify-resume");
  const auto again = run(asked, {}, variables);
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("remove it"), std::string::npos) << again.err;
}

/// What the schedule and early stop have seen, momentum, and which words are dropped.
TEST_F(KillTest, SoDoesOneWithAStateBesideTheStep) {
  more =
      ", optimizer: sgd, momentum: 0.9, nesterov: true, schedule: plateau, plateau_patience: 0, "
      "label_smoothing: 0.1, word_drop: 0.2, patience: 1000, stop_when: all, tensorboard: true, "
      "groups: [{match: embedding.*, frozen: true}, {match: output.*, lr_scale: 0.5}]";
  expect_the_bytes_of_an_unbroken_run();
}

TEST_F(KillTest, ASignalSavesAndTheSameCommandGoesOnToTheSameWeights) {
  if (!is_long) steps = 24;
  const auto expected = finished("unbroken");
  for (const int signal : {SIGTERM, SIGINT}) {
    const auto name = "stopped-" + std::to_string(signal);
    const auto file = recipe(name);
    fs::create_directories(place / name);
    RunWatcher watcher(place / name);
    Process process(command(file), variables);
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process.id(), 0));
    ASSERT_TRUE(watcher.wait_for(3, "log.jsonl", handle)) << "it ended too early";
    ::close(handle);
    process.kill(signal);
    const auto result = process.wait();
    EXPECT_EQ(result.exit_code, 128 + signal) << result.err;
    ASSERT_TRUE(fs::exists(place / name / "LAST")) << "nothing was saved";
    EXPECT_NE(result.err.find("same command"), std::string::npos) << result.err;

    const auto got = finished(name);
    for (const auto* tensors : {"model", "optimizer", "ema"}) {
      const auto last = "step-" + std::to_string(steps) + "/" + tensors + ".safetensors";
      EXPECT_TRUE(got.at(last) == expected.at(last)) << signal << ": " << last << " differs";
    }
  }
}

}  // namespace
}  // namespace banter::tests
