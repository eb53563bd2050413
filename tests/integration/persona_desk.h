#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {

inline const std::vector<std::string> kAnimals = {"dog", "cat", "bird", "fish", "horse"};

inline std::string have(const std::string& animal) { return "i have a " + animal; }
inline std::string lack(const std::string& animal) { return "i have no " + animal; }

/// "i have a X" entails itself and contradicts "i have no X"; of another animal both are neutral.
inline void write_pairs(const std::filesystem::path& file) {
  std::ofstream pairs(file);
  for (const auto& a : kAnimals)
    for (const auto& b : kAnimals)
      for (const bool has : {true, false})
        for (const bool says : {true, false}) {
          const auto* label = a != b ? "neutral" : has == says ? "entailment" : "contradiction";
          const auto premise = has ? have(a) : lack(a), hypothesis = says ? have(b) : lack(b);
          for (int i = 0; i < (a == b ? 8 : 2); ++i)
            pairs << base::json::serialize(base::json::object{
                         {"premise", premise}, {"hypothesis", hypothesis}, {"label", label}})
                  << "\n";
        }
}

/// Bo says what the persona does, or, with an odd id, what it denies.
inline void write_dialogues(const std::filesystem::path& file) {
  std::ofstream dialogues(file);
  for (int i = 0; i < 60; ++i) {
    const auto& animal = kAnimals[static_cast<std::size_t>(i) % kAnimals.size()];
    dialogues << base::json::serialize(base::json::object{
                     {"id", std::to_string(i)},
                     {"turns",
                      base::json::array{
                          base::json::object{{"speaker", "Ann"}, {"text", "what do you have"}},
                          base::json::object{{"speaker", "Bo"}, {"text", have(animal)}}}},
                     {"personas",
                      base::json::object{
                          {"Bo", base::json::array{i % 2 == 0 ? have(animal) : lack(animal),
                                                   "i like tea"}}}}})
              << "\n";
  }
}

/// Trained models and their stores in one folder, made once; commands run in it.
class PersonaDesk {
 public:
  PersonaDesk() {
    write_pairs(folder_ / "pairs.jsonl");
    write_dialogues(folder_ / "talk.jsonl");
    base::write_durably(folder_ / "nli.yaml",
                        "store: nli.store\nrun: nli\nthreads: 1\n"
                        "data: {sources: [{path: pairs.jsonl, split: train}, "
                        "{path: pairs.jsonl, split: valid}], tokenizer: {vocab_size: 320}, "
                        "cleaning: {expand_contractions: true}}\n"
                        "batch: {tokens_per_batch: 200}\n"
                        "model: {type: nli, dim: 32, heads: 2, ffn_dim: 64, encoder_layers: 1, "
                        "dropout: 0}\n"
                        "train: {steps: 400, warmup_steps: 20, lr: 0.003, validate_every: 100}\n");
    base::write_durably(folder_ / "talk.yaml",
                        "store: talk.store\nrun: talk\nthreads: 1\n"
                        "data: {sources: [{path: talk.jsonl}], valid_share: 0.4, "
                        "tokenizer: {vocab_size: 320}}\n"
                        "batch: {tokens_per_batch: 200}\n"
                        "model: {type: hred, embed_dim: 16, hidden_dim: 16, attention: dynamic, "
                        "dropout: 0}\n"
                        "train: {steps: 150, warmup_steps: 5, lr: 0.02}\n"
                        "decoding: {max_new_tokens: 12}\n");
    base::write_durably(folder_ / "stack.yaml",
                        "store: talk.store\nrun: stack\nthreads: 1\n"
                        "batch: {tokens_per_batch: 200}\n"
                        "model: {type: stack_propagation, dim: 16, heads: 2, ffn_dim: 32, "
                        "encoder_layers: 1, decoder_layers: 1, dropout: 0, phase1_steps: 2}\n"
                        "train: {steps: 30, warmup_steps: 5, lr: 0.01}\n"
                        "decoding: {max_new_tokens: 12}\n");
    for (const auto& command :
         std::vector<std::vector<std::string>>{{"prepare", "nli.yaml"},
                                               {"train", "nli.yaml"},
                                               {"prepare", "talk.yaml"},
                                               {"train", "talk.yaml"},
                                               {"train", "stack.yaml"},
                                               {"train", "talk.yaml", "--set", "run=blind", "--set",
                                                "batch.persona=none", "--set", "train.steps=5"}}) {
      auto quiet = command;
      quiet.emplace_back("--quiet");
      const auto made = banter(quiet);
      if (made.exit_code != 0) throw std::runtime_error(made.err);
    }
  }

  [[nodiscard]] ProcessResult banter(const std::vector<std::string>& arguments,
                                     const std::string& input = "") const {
    std::vector<std::string> command = {
        "bash", "-c", "cd '" + folder_.path().string() + "' && exec \"$0\" \"$@\"", BANTER_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Process process(command, {{"OMP_NUM_THREADS", "1"}});
    process.write(input);
    return process.wait();
  }
  /// The answer of a command that must succeed.
  [[nodiscard]] base::json::object answer(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--json", "--quiet"});
    const auto result = banter(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return base::parse_json(result.out, "answer").as_object();
  }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

/// The tests of a file share one desk.
class PersonaDeskTest : public testing::Test {
 protected:
  static const PersonaDesk& desk() {
    static const auto made = std::make_unique<PersonaDesk>();
    return *made;
  }
  static double value(const base::json::object& metrics, const char* name) {
    return metrics.at(name).at("value").to_number<double>();
  }
  /// A file of one context whose speaker has this one fact.
  static std::string context_of(const std::string& fact) {
    base::write_durably(desk().folder() / "context.jsonl",
                        base::json::serialize(base::json::object{{"turns", {"what do you have"}},
                                                                 {"personas", {fact}}}));
    return "context.jsonl";
  }
  /// Fails with this code and one sentence that holds `part`.
  static void expect_failure(const ProcessResult& result, int code, const std::string& part) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }
};

}  // namespace banter::tests
