#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

/// A classifier of sentence pairs as a judge of replies, in commands of the built program: both
/// models are trained on made corpora in which what is true can be told from words.
namespace banter::tests {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

const std::vector<std::string> kAnimals = {"dog", "cat", "bird", "fish", "horse"};

std::string have(const std::string& animal) { return "i have a " + animal; }
std::string lack(const std::string& animal) { return "i have no " + animal; }

/// "i have a X" entails itself and contradicts "i have no X"; of another animal both are neutral.
void write_pairs(const fs::path& file) {
  std::ofstream pairs(file);
  for (const auto& a : kAnimals)
    for (const auto& b : kAnimals)
      for (const bool has : {true, false})
        for (const bool says : {true, false}) {
          const auto* label = a != b ? "neutral" : has == says ? "entailment" : "contradiction";
          const auto premise = has ? have(a) : lack(a), hypothesis = says ? have(b) : lack(b);
          for (int i = 0; i < (a == b ? 8 : 2); ++i)
            pairs << json::serialize(json::object{
                         {"premise", premise}, {"hypothesis", hypothesis}, {"label", label}})
                  << "\n";
        }
}

/// Bo says what the persona does, or, with an odd id, what it denies.
void write_dialogues(const fs::path& file) {
  std::ofstream dialogues(file);
  for (int i = 0; i < 60; ++i) {
    const auto& animal = kAnimals[static_cast<std::size_t>(i) % kAnimals.size()];
    dialogues << json::serialize(json::object{
                     {"id", std::to_string(i)},
                     {"turns",
                      json::array{json::object{{"speaker", "Ann"}, {"text", "what do you have"}},
                                  json::object{{"speaker", "Bo"}, {"text", have(animal)}}}},
                     {"personas",
                      json::object{{"Bo", json::array{i % 2 == 0 ? have(animal) : lack(animal),
                                                      "i like tea"}}}}})
              << "\n";
  }
}

/// Trained models and their stores in one folder, made once; commands run in it.
class Desk {
 public:
  Desk() {
    write_pairs(folder_ / "pairs.jsonl");
    write_dialogues(folder_ / "talk.jsonl");
    base::write_durably(folder_ / "nli.yaml",
                        "store: nli.store\nrun: nli\nthreads: 1\n"
                        "data: {sources: [{path: pairs.jsonl, split: train}, "
                        "{path: pairs.jsonl, split: valid}], tokenizer: {vocab_size: 320}}\n"
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
                        "train: {steps: 60, warmup_steps: 5, lr: 0.01}\n"
                        "decoding: {max_new_tokens: 12}\n");
    for (const auto* recipe : {"nli.yaml", "talk.yaml"})
      for (const auto* command : {"prepare", "train"}) {
        const auto made = banter({command, recipe, "--quiet"});
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
  [[nodiscard]] json::object answer(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--json", "--quiet"});
    const auto result = banter(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return base::parse_json(result.out, "answer").as_object();
  }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

class ConsistencyTest : public testing::Test {
 protected:
  static const Desk& desk() {
    static const auto made = std::make_unique<Desk>();
    return *made;
  }
  static double value(const json::object& metrics, const char* name) {
    return metrics.at(name).at("value").to_number<double>();
  }
  /// Fails with this code and one sentence that holds `part`.
  static void expect_failure(const ProcessResult& result, int code, const std::string& part) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }
};

TEST_F(ConsistencyTest, TheReferencesScoreIsWhatTheCorpusSays) {
  // Bo says what the first line says (+1) or denies (-1): half of the dialogues each.
  const auto found = desk().answer({"evaluate", "talk", "--nli", "nli", "--metrics",
                                    "c_score,entailed_replies,contradicted_replies", "--replies",
                                    "100", "--write-replies", "replies.jsonl"});
  std::istringstream lines(base::read_file(desk().folder() / "replies.jsonl"));
  double replies = 0, consistent = 0;
  for (std::string line; std::getline(lines, line); ++replies) {
    const auto object = base::parse_json(line, "replies").as_object();
    const auto said = object.at("references").at(0);
    consistent += object.at("persona").at(0) == said ? 1 : 0;
    EXPECT_EQ(object.at("judgements").at("labels").as_array().size(), 2U);
  }
  ASSERT_GT(replies, 10);
  const auto& reference = found.at("reference").as_object();
  EXPECT_DOUBLE_EQ(value(reference, "c_score"), (2 * consistent - replies) / replies);
  EXPECT_DOUBLE_EQ(value(reference, "entailed_replies"), consistent / replies);
  EXPECT_DOUBLE_EQ(value(reference, "contradicted_replies"), 1 - consistent / replies);
  const auto& score = found.at("greedy").at("c_score");
  EXPECT_LE(score.at("low").to_number<double>(), score.at("value").to_number<double>());
  EXPECT_EQ(score.at("count").to_number<double>(), replies);
  const std::string signature(score.at("signature").as_string());
  EXPECT_TRUE(signature.starts_with("c_score|nli:")) << signature;
  EXPECT_NE(signature.find("|nli_accuracy:1.0000|"), std::string::npos) << signature;
}

TEST_F(ConsistencyTest, MetricsReadsHowRepliesWereJudged) {
  const auto found = desk().answer({"evaluate", "talk", "--nli", "nli", "--metrics", "c_score,f1",
                                    "--write-replies", "judged.jsonl"});
  const auto metrics = desk().answer({"metrics", "--replies", "judged.jsonl"});
  EXPECT_EQ(metrics.at("metrics").at("c_score"), found.at("greedy").at("c_score"));
  const auto same = desk().answer({"metrics", "--replies", "judged.jsonl", "--against",
                                   "judged.jsonl", "--metrics", "c_score"});
  EXPECT_EQ(same.at("metrics").at("c_score").at("p").to_number<double>(), 1);
  base::write_durably(desk().folder() / "plain.txt", "i have a dog\n");
  expect_failure(desk().banter({"metrics", "--replies", "plain.txt", "--metrics", "c_score"}), 2,
                 "c_score needs replies that were judged");
}

TEST_F(ConsistencyTest, AnExperimentComparesItAndFailsBeforeItTrains) {
  const auto write = [&](const std::string& nli) {
    base::write_durably(desk().folder() / "grid.yaml",
                        "folder: grid\nbaseline: none\nsamples: 0\ntrials: 100\n"
                        "recipe: {store: talk.store, threads: 1, batch: {tokens_per_batch: 200}, "
                        "model: {type: hred, embed_dim: 16, hidden_dim: 16, dropout: 0}, "
                        "train: {steps: 30, warmup_steps: 2, lr: 0.01}}\n"
                        "rows: {none: {batch.persona: none}, turns: {batch.persona: turns}}\n"
                        "evaluate: {replies: 20, " +
                            nli + "metrics: [c_score, contradicted_replies]}\n");
  };
  write("");
  expect_failure(desk().banter({"experiment", "grid.yaml", "--quiet"}), 2,
                 "c_score needs a classifier of sentence pairs: give `evaluate.nli`");
  write("nli: talk, ");
  expect_failure(desk().banter({"experiment", "grid.yaml", "--quiet"}), 2,
                 "talk gives replies; a classifier of sentence pairs is wanted");
  write("nli: nli, ");
  const auto made = desk().banter({"experiment", "grid.yaml", "--quiet"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  const auto report =
      base::parse_json(base::read_file(desk().folder() / "grid/report.json"), "report").as_object();
  for (const auto& row : report.at("rows").as_array()) {
    const auto& score = row.at("metrics").at("c_score");
    EXPECT_EQ(score.at("runs"), 1);
    EXPECT_LE(std::abs(score.at("mean").to_number<double>()), 1) << "one sentence of two is judged";
  }
  EXPECT_EQ(report.at("differences").as_array().size(), 2U);
  EXPECT_NE(json::serialize(report).find("c_score|nli:"), std::string::npos);
}

TEST_F(ConsistencyTest, WhatCannotBeJudgedIsOneSentence) {
  expect_failure(desk().banter({"evaluate", "talk", "--metrics", "c_score"}), 2, "need --nli");
  expect_failure(desk().banter({"evaluate", "talk", "--nli", "talk"}), 1,
                 "hred gives replies; a classifier of sentence pairs is wanted");
  expect_failure(desk().banter({"evaluate", "talk", "--nli", "none"}), 1, "none");
  expect_failure(desk().banter({"evaluate", "talk", "--nli", "nli", "--replies", "0"}), 2,
                 "--replies above 0");
  expect_failure(desk().banter({"evaluate", "nli", "--nli", "nli"}), 2, "--nli is of replies");
  expect_failure(desk().banter({"evaluate", "talk", "--set", "decoding.method=sample", "--set",
                                "decoding.replies=4", "--set", "decoding.rerank=consistency"}),
                 2, "needs a classifier of sentence pairs: name its run with --nli");
}

}  // namespace
}  // namespace banter::tests
