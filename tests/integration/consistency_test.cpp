#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/integration/persona_desk.h"

/// A classifier of sentence pairs as a judge of replies, in commands of the built program.
namespace banter::tests {
namespace {

namespace json = base::json;

class ConsistencyTest : public PersonaDeskTest {};

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
  ASSERT_EQ(report.at("rows").as_array().size(), 2U);
  for (const auto& row : report.at("rows").as_array()) {
    const std::string name(row.at("row").as_string());
    const auto alone =
        desk().answer({"evaluate", "grid/cells/" + name + "/seed-1/run", "--nli", "nli",
                       "--metrics", "c_score,contradicted_replies", "--replies", "20"});
    for (const auto* metric : {"c_score", "contradicted_replies"}) {
      const auto& score = row.at("metrics").at(metric);
      EXPECT_EQ(score.at("runs"), 1);
      EXPECT_DOUBLE_EQ(score.at("mean").to_number<double>(),
                       value(alone.at("greedy").as_object(), metric))
          << name << " " << metric;
    }
  }
  EXPECT_EQ(report.at("differences").as_array().size(), 2U);
  EXPECT_NE(json::serialize(report).find("c_score|nli:"), std::string::npos);
  EXPECT_NE(json::serialize(report).find("The corpus's own replies have c_score"),
            std::string::npos);
}

TEST_F(ConsistencyTest, RepliesAreSortedByConsistencyAmongTheFluent) {
  std::string contexts;
  for (const auto& animal : kAnimals)
    contexts += json::serialize(json::object{
                    {"turns", {"what do you have"}},
                    {"personas", {have(animal), lack("dog"), lack("cat"), "I LIKE TEA"}}}) +
                "\n";
  base::write_durably(desk().folder() / "contexts.jsonl", contexts);
  std::size_t moved = 0, outside = 0;
  for (const auto* margin : {"0.1", "100"}) {
    const auto made = desk().banter(
        {"generate", "talk", "contexts.jsonl", "--method", "sample", "--replies", "12", "--rerank",
         "consistency", "--rerank-margin", margin, "--nli", "nli", "--json", "--quiet"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    std::istringstream lines(made.out);
    for (std::string line; std::getline(lines, line);) {
      const auto object = base::parse_json(line, "generate").as_object();
      const auto& replies = object.at("replies").as_array();
      std::vector<double> fluencies;
      for (const auto& reply : replies)
        fluencies.push_back(reply.at("log_prob").to_number<double>() /
                            static_cast<double>(reply.at("log_probs").as_array().size()));
      const auto best = std::ranges::max(fluencies);
      double before = 100;
      for (std::size_t r = 0; r < replies.size(); ++r) {
        double wanted = 0;
        for (const auto& fact : replies[r].at("consistency").as_array())
          wanted += fact.at("label") == "entailment"      ? 1
                    : fact.at("label") == "contradiction" ? -1
                                                          : 0;
        if (fluencies[r] < best - std::stod(margin)) wanted = -5, ++outside;
        const auto score = replies[r].at("rerank_score").to_number<double>();
        EXPECT_EQ(score, wanted);
        EXPECT_LE(score, before) << "the best comes first";
        if (score == before) {
          EXPECT_LE(fluencies[r], fluencies[r - 1]) << "of equals the more probable";
        }
        before = score;
      }
      moved += fluencies.front() < best ? 1 : 0;
    }
  }
  EXPECT_GT(moved, 0U) << "a less probable one was never chosen";
  EXPECT_GT(outside, 0U) << "the margin never mattered";
}

TEST_F(ConsistencyTest, TextsAreReadAsTheClassifiersCorpusWasSpelled) {
  const auto judged = [&](const std::string& fact) {
    const auto object = desk().answer({"generate", "talk", context_of(fact), "--nli", "nli",
                                       "--prefix", "i have a dog", "--max-new-tokens", "14"});
    return object.at("consistency").at(0).at("entailment").to_number<double>();
  };
  EXPECT_EQ(judged("I HAVE A Dog"), judged("i have a dog")) << "the corpus has no capital";
  EXPECT_EQ(judged("i've a dog"), judged("i have a dog")) << "it was cleaned so";
  std::filesystem::rename(desk().folder() / "nli.store", desk().folder() / "moved");
  EXPECT_EQ(judged("i've a dog"), judged("i have a dog")) << "the run alone knows it";
  std::filesystem::rename(desk().folder() / "moved", desk().folder() / "nli.store");
  EXPECT_NE(judged("i have a dog"), judged("i have a cat"));
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
