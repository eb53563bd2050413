#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

/// Experiments of the built program on made corpora.
namespace banter::tests {

inline constexpr const char* kRows =
    "rows:\n"
    "  none: {model.attention: none}\n"
    "  both: {model.attention: both}\n";

/// Dialogues in which a reply can be told from the turn before it.
inline void write_corpus(const std::filesystem::path& file) {
  std::ofstream corpus(file);
  for (int i = 0; i < 60; ++i) {
    const auto n = std::to_string(i % 10);
    corpus << R"({"id": ")" << i << R"(", "turns": [)";
    for (int turn = 0; turn < 8; ++turn)
      corpus << (turn > 0 ? ", " : "") << R"({"speaker": ")" << (turn % 2 == 0 ? "Ann" : "Bo")
             << R"(", "text": ")"
             << (turn % 2 == 0 ? "is room " + n + " free at " + std::to_string(turn)
                               : "yes, room " + n + " is")
             << R"("})";
    corpus << "]}\n";
  }
}

inline std::string recipe(int steps) {
  return "recipe:\n"
         "  threads: 1\n"
         "  data:\n"
         "    sources: [{path: talk.jsonl}]\n"
         "    valid_share: 0.4\n"
         "    tokenizer: {vocab_size: 400}\n"
         "  batch: {tokens_per_batch: 200}\n"
         "  model: {type: hred, embed_dim: 12, hidden_dim: 12, dropout: 0.1}\n"
         "  train: {steps: " +
         std::to_string(steps) +
         ", warmup_steps: 2, validate_every: 10, save_every: 5, log_every: 1, lr: 0.01}\n";
}

/// A folder with a corpus and one experiment, as a user has it: everything in it is named
/// relatively, so that two such folders must end with the same bytes.
class Desk {
 public:
  Desk() { write_corpus(folder_ / "talk.jsonl"); }
  /// With all that another one has made.
  Desk(const Desk& other) : evaluate_(other.evaluate_) {
    namespace fs = std::filesystem;
    fs::copy(other.folder_.path(), folder_.path(),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
  Desk& operator=(const Desk&) = delete;

  void write_experiment(const std::string& rows = kRows, int steps = 20,
                        const std::string& more = "") {
    base::write_durably(folder_ / "grid.yaml",
                        "folder: grid\nseeds: [1, 2]\nbaseline: none\n"
                        "samples: 2\ntrials: 200\n" +
                            recipe(steps) + rows + evaluate_ + more);
  }
  void set_evaluate(const std::string& text) { evaluate_ = text; }

  [[nodiscard]] std::vector<std::string> command(const std::string& arguments) const {
    return {"bash", "-c",
            "cd '" + folder_.path().string() + "' && exec '" + BANTER_PROGRAM +
                "' experiment grid.yaml " + arguments};
  }
  ProcessResult experiment(const std::string& arguments = "") const {
    return run(command(arguments));
  }

  /// The report's files by name, without what a clock measured.
  [[nodiscard]] std::map<std::string, std::string> report() const {
    std::map<std::string, std::string> files;
    for (const auto* name : {"report.md", "report.json", "report.html"})
      files[name] = base::read_file(grid() / name);
    for (const auto& entry : std::filesystem::directory_iterator(grid() / "figures"))
      files[entry.path().filename().string()] = base::read_file(entry.path());
    return files;
  }
  [[nodiscard]] base::json::object json_report() const {
    return base::parse_json(base::read_file(grid() / "report.json"), "report.json").as_object();
  }
  [[nodiscard]] std::filesystem::path grid() const { return folder_ / "grid"; }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  std::string evaluate_ =
      "evaluate: {replies: 12, metrics: [ppl, token_accuracy, f1, distinct_1]}\n";
};

inline std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

inline void expect_equal(const std::map<std::string, std::string>& got,
                         const std::map<std::string, std::string>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (const auto& [name, bytes] : wanted)
    EXPECT_TRUE(got.contains(name) && got.at(name) == bytes) << name << " differs";
}

class ExperimentTest : public testing::Test {
 protected:
  /// A grid that was never disturbed, made once for all tests.
  static const Desk& unbroken() {
    static const auto desk = [] {
      auto made = std::make_unique<Desk>();
      made->write_experiment();
      const auto result = made->experiment();
      if (result.exit_code != 0) throw std::runtime_error(result.out + result.err);
      return made;
    }();
    return *desk;
  }

  /// The same command until it is done.
  static ProcessResult go_on(const Desk& desk) {
    auto result = desk.experiment();
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    return result;
  }
};

}  // namespace banter::tests
