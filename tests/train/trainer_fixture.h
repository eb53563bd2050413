#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/signals.h"
#include "models/checkpoint/checkpoint.h"
#include "models/checkpoint/safetensors.h"
#include "tests/batch/made_store.h"
#include "tests/support/run_log.h"
#include "tests/support/temporary_folder.h"
#include "train/recipe.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace banter::train {

namespace fs = std::filesystem;
using tests::log_lines;
using tests::MadeStore;
using tests::TemporaryFolder;

/// Words that a test throws to end a run as a crash would: nothing is saved.
struct Crash {};

class TrainerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    torch::set_num_threads(1);
    store_ = std::make_unique<MadeStore>(tests::MadeDialogues{.dialogues = 24,
                                                              .most_turns = 5,
                                                              .most_words = 8,
                                                              .pairs = 90,
                                                              .splits = {"train", "valid"}});
  }
  static void TearDownTestSuite() { store_.reset(); }
  void TearDown() override { base::clear_stop_signal(); }

  static const data::Store& store() { return store_->store(); }

  /// A tiny recipe; `overrides` are as --set takes them.
  Recipe recipe(const std::string& run, const std::vector<std::string>& overrides = {}) const {
    return Recipe::parse(
        "store: unused\nrun: " + (place / run).string() +
            "\ndevice: cpu\n"
            "batch: {tokens_per_batch: 60, max_context_turns: 3, window: 4}\n"
            "model: {type: hred, embed_dim: 6, hidden_dim: 6, dropout: 0.2}\n"
            "train: {steps: 8, lr: 0.01, warmup_steps: 3, save_every: 4, validate_every: 3, "
            "log_every: 2, keep_last: 2, micro_batches: 2, samples: 0}\n",
        "recipe.yaml", overrides);
  }

  /// Trains, or goes on, as `banter train` does. `crash_after`: dies after that step.
  TrainResult train(const Recipe& r, std::int64_t crash_after = -1) const {
    const RunFolder folder(r.run);
    if (folder.has_run()) folder.expect_same_config(r.text);
    Trainer trainer(folder, r, store(), /*quiet=*/true);
    base::write_durably(folder.path() / "config.yaml", r.text);
    trainer.after_step = [&](const TrainState& state) {
      if (state.step == crash_after) throw Crash{};
    };
    return trainer.run();
  }

  /// All that a run leaves but the configuration, without what a clock measured.
  static std::map<std::string, std::string> contents(const fs::path& run) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(run)) {
      const auto name = fs::relative(entry.path(), run).string();
      if (!entry.is_regular_file() || name.ends_with("config.yaml") || name == ".lock") continue;
      files[name] = name == "log.jsonl" ? tests::log_without_clock(entry.path())
                                        : base::sha256_hex_of_file(entry.path());
    }
    return files;
  }

  static models::NamedTensors weights(const fs::path& run, std::int64_t step) {
    return models::read_safetensors(run / ("step-" + std::to_string(step)) / "model.safetensors");
  }

  /// The same with how it ended, and pointers without the hash of config.yaml that they imply.
  std::map<std::string, std::string> left_by(const std::string& run,
                                             const std::vector<std::string>& overrides) {
    std::map<std::string, std::string> left;
    try {
      const auto result = train(recipe(run, overrides));
      left = contents(place / run);
      left["why"] = result.why;
    } catch (const base::Error& error) {
      left["error"] = error.what();
    }
    std::erase_if(left, [](const auto& file) { return file.first.ends_with("manifest.json"); });
    for (auto& [name, content] : left)  // they name their manifest, which names config.yaml
      if (name == "LAST" || name == "CURRENT" || name.starts_with("BEST."))
        content = std::to_string(models::pointed_step(place / run, name));
    if (left.contains("error")) left["error"] = left["error"].substr(0, left["error"].find('('));
    return left;
  }

  template <typename Error, typename Call>
  static std::string problem(Call call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  TemporaryFolder place;

 private:
  inline static std::unique_ptr<MadeStore> store_;
};

}  // namespace banter::train
