// What an experiment measures and compares beside perplexity: the model's own metrics, words,
// pairs, classifiers, gradients, and all of them over an axis.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/integration/experiment_desk.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

using ExperimentColumnsTest = ExperimentTest;

TEST_F(ExperimentColumnsTest, FractionsAreAnAxisWithABaselineAtEach) {
  Desk desk;
  desk.write_experiment(kRows, 10, "axes: {train.fraction: [1, 0.25]}\n");
  const auto done = desk.experiment("--set seeds=[1] --jobs 2");
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  const auto report = desk.json_report();
  std::map<std::string, std::int64_t> dialogues;
  for (const auto& one : report.at("runs").as_array())
    dialogues[std::string(one.at("row").as_string())] =
        one.at("learned_from").at("dialogues").as_int64();
  ASSERT_EQ(dialogues.size(), 4U);
  const auto all = dialogues.at("none-fraction-1");
  EXPECT_EQ(dialogues.at("both-fraction-1"), all);
  EXPECT_EQ(dialogues.at("none-fraction-0.25"), (all + 3) / 4);
  EXPECT_EQ(dialogues.at("both-fraction-0.25"), (all + 3) / 4);
  for (const auto& difference : report.at("differences").as_array()) {
    const std::string row(difference.at("row").as_string());
    EXPECT_EQ(std::string(difference.at("baseline").as_string()), "none" + row.substr(4));
  }
  EXPECT_EQ(report.at("differences").as_array().size(), 8U) << "both at two places, four metrics";
  const auto files = desk.report();
  EXPECT_TRUE(files.contains("train.fraction-ppl.svg"));
  EXPECT_NE(files.at("report.md").find("## Over train.fraction"), std::string::npos);
}

TEST_F(ExperimentColumnsTest, WhatTheModelAloneMeasuresIsComparedToo) {
  Desk desk;
  desk.set_evaluate("evaluate: {replies: 6, metrics: [ppl, perturb_reverse_turns]}\n");
  desk.write_experiment();
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = desk.json_report();
  const auto& differences = report.at("differences").as_array();
  ASSERT_EQ(differences.size(), 2U);
  const auto& rise = differences.at(1).as_object();
  EXPECT_EQ(rise.at("metric"), "perturb_reverse_turns");
  EXPECT_GT(rise.at("p").to_number<double>(), 0);
  EXPECT_TRUE(rise.at("interval").is_object());

  desk.set_evaluate("evaluate: {replies: 6, metrics: [perturb_reverse_turns, bpb, bleu]}\n");
  desk.write_experiment();
  const auto more = desk.experiment();
  EXPECT_EQ(more.exit_code, 0) << more.err;
  EXPECT_EQ(more.err.find("begins"), std::string::npos) << "columns alone: " << more.err;
  const auto text = desk.report().at("report.md");
  const auto bigram = text.substr(text.find("| Kneser-Ney bigram"), 60);
  EXPECT_TRUE(bigram.starts_with("| Kneser-Ney bigram | - | - | ")) << bigram;
  EXPECT_FALSE(bigram.starts_with("| Kneser-Ney bigram | - | - | - ")) << "bits a byte: " << bigram;
}

/// The row of the references is `evaluate`'s, those of the runs are the report's.
TEST_F(ExperimentColumnsTest, WordsMayBeCharactersInEveryRow) {
  Desk desk;
  desk.set_evaluate("evaluate: {replies: 6, metrics: [distinct_1]}\n");
  desk.write_experiment(kRows, 5);
  ASSERT_EQ(desk.experiment("--jobs 2 --set seeds=[1]").exit_code, 0);
  const auto references = [&] {
    const auto text = desk.report().at("report.md");
    const auto at = text.find("| the references |");
    return text.substr(at, text.find('\n', at) - at);
  };
  const auto words = references();
  const auto measured = desk.experiment("--set seeds=[1] --set evaluate.tokenize=char");
  ASSERT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_EQ(count_of(measured.err, "train begins"), 0U) << measured.err;
  EXPECT_EQ(count_of(measured.err, "evaluate begins"), 2U) << measured.err;
  EXPECT_NE(references(), words);
  const auto text = desk.report().at("report.md");
  EXPECT_NE(text.find("distinct_1|case:lc|tok:char|"), std::string::npos) << text;
  EXPECT_EQ(text.find("tok:13a"), std::string::npos) << text;
}

/// Pairs of what rooms are like, in both splits.
void write_pairs(const fs::path& file) {
  std::ofstream corpus(file);
  for (int i = 0; i < 40; ++i)
    corpus << R"({"premise": "room )" << i % 10 << R"( is free", "hypothesis": "room )" << i % 10
           << (i % 2 == 0 ? R"( is free at 3", "label": "entailment")"
                          : R"( is not free at 3", "label": "contradiction")")
           << R"(, "group": ")" << i % 20 << "\"}\n";
}

TEST_F(ExperimentColumnsTest, SentencePairsOfTheRowsOwnStoreOrOfAnotherAreCompared) {
  Desk desk;
  write_pairs(desk.folder() / "pairs.jsonl");
  auto base = recipe(10);
  const std::string talk = "{path: talk.jsonl}";
  base.replace(base.find(talk), talk.size(), talk + ", {path: pairs.jsonl}");
  const std::string rows =
      "rows:\n"
      "  flat: {model: {type: transformer, dim: 8, heads: 2, ffn_dim: 8}}\n"
      "  stack: {model: {type: stack_propagation, dim: 8, heads: 2, ffn_dim: 8, encoder_layers: 1,"
      " decoder_layers: 1, consistency_layers: 1, phase1_steps: 5},"
      " train.pairs_per_dialogue_batch: 1}\n";
  const auto write = [&](const std::string& pairs) {
    base::write_durably(desk.folder() / "grid.yaml",
                        "folder: grid\nstores: stores\nseeds: [1, 2]\nbaseline: flat\nsamples: "
                        "0\ntrials: 200\n" +
                            base + rows +
                            "evaluate: {replies: 0, metrics: [ppl, pair_gain, ppl_d1.delta_p], " +
                            pairs + "}\n");
  };
  write("pairs: \"\"");
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = desk.json_report();
  std::vector<std::string> compared;
  for (const auto& difference : report.at("differences").as_array())
    compared.emplace_back(difference.at("metric").as_string());
  EXPECT_EQ(compared, (std::vector<std::string>{"ppl", "pair_gain"})) << "flat has no ppl_d1";
  const auto text = desk.report().at("report.md");
  for (const auto* likelihood : {"pair_gain|likelihood:ppl|", "pair_gain|likelihood:ppl_d2_causal|",
                                 "delta_p|likelihood:ppl_d1|"})
    EXPECT_NE(text.find(likelihood), std::string::npos) << likelihood << text;

  fs::path store;
  for (const auto& entry : fs::directory_iterator(desk.folder() / "stores"))
    if (fs::exists(entry.path() / "manifest.json")) store = entry.path();
  fs::copy(store, desk.folder() / "others", fs::copy_options::recursive);
  write("pairs: others, pairs_split: train");
  const auto others = desk.experiment();
  ASSERT_EQ(others.exit_code, 0) << others.err;
  EXPECT_EQ(others.err.find("train begins"), std::string::npos) << "it is measured, not trained";
  EXPECT_NE(desk.report().at("report.md").find("|split:train|premise:persona|"), std::string::npos);

  const auto texts =
      desk.experiment("--set evaluate.replies=4 --set 'evaluate.metrics=[length, pair_gain]'");
  ASSERT_EQ(texts.exit_code, 0) << texts.err;
  const std::regex signature(R"(length\|[^\s`]*\|data:[0-9a-f]{12}\|)");
  EXPECT_TRUE(std::regex_search(desk.report().at("report.md"), signature))
      << "what replies are compared with is not the pairs";
}

TEST_F(ExperimentColumnsTest, ClassifiersOfPairsAreComparedByTheirAccuracy) {
  Desk desk;
  write_pairs(desk.folder() / "pairs.jsonl");
  base::write_durably(
      desk.folder() / "grid.yaml",
      "folder: grid\nseeds: [1, 2]\nbaseline: small\nsamples: 2\ntrials: 200\n"
      "recipe:\n"
      "  threads: 1\n"
      "  data: {sources: [{path: pairs.jsonl}, {path: talk.jsonl}], valid_share: 0.4,"
      " tokenizer: {vocab_size: 400}}\n"
      "  model: {type: nli, dim: 8, heads: 2, ffn_dim: 8, encoder_layers: 1}\n"
      "  train: {steps: 8, warmup_steps: 2, validate_every: 4}\n"
      "rows: {small: {model.ffn_dim: 8}, wide: {model.ffn_dim: 24}}\n"
      "evaluate: {metrics: [accuracy, loss]}\n");
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = desk.json_report();
  const auto& differences = report.at("differences").as_array();
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences.at(1).at("metric"), "loss");
  EXPECT_GT(differences.at(1).at("p").to_number<double>(), 0);
  const auto text = desk.report().at("report.md");
  for (const auto* word : {"| most frequent label |", "| bag of words |", "accuracy|tokenizer:"})
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  const auto again = desk.experiment();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.err.find("begins"), std::string::npos) << "all is there: " << again.err;
}

TEST_F(ExperimentColumnsTest, GradientsAreMeasuredBeforeAndAfterTraining) {
  Desk desk;
  base::write_durably(desk.folder() / "grid.yaml",
                      "kind: gradient_flow\nfolder: grid\nseeds: [1, 2]\nbaseline: none\n" +
                          recipe(20) + kRows +
                          "gradient_flow: {min_turns: 2, max_turns: 6, replies: 10}\n");
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  const auto report = desk.json_report();
  for (const auto& row : report.at("rows").as_array())
    for (const auto* stage : {"initial", "trained"}) {
      const auto& points = row.at(stage).as_array();
      ASSERT_EQ(points.size(), 5U);
      for (const auto& point : points) EXPECT_TRUE(point.at("mean").is_double());
    }
  EXPECT_TRUE(fs::exists(desk.grid() / "figures/initial.svg"));
  EXPECT_NE(desk.report().at("report.md").find("Lead above none"), std::string::npos);
}

}  // namespace
}  // namespace banter::tests
