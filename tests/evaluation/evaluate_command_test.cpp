#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "configs/section.h"
#include "models/checkpoint/checkpoint.h"
#include "models/checkpoint/safetensors.h"
#include "models/registry.h"
#include "tests/batch/made_store.h"
#include "tests/support/temporary_folder.h"
#include "train/commands.h"
#include "train/metrics/likelihoods/likelihood_files.h"
#include "train/metrics/pairs/pair_metrics.h"
#include "train/metrics/statistics/dialogue_sums.h"
#include "train/metrics/texts/measure.h"
#include "train/metrics/texts/sample_files.h"

namespace banter::train {
namespace {

namespace json = base::json;
using tests::MadeStore;

/// A run folder with one checkpoint of a small untrained model, for a store.
class EvaluateCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string model = "model: {type: hred, embed_dim: 8, hidden_dim: 8, dropout: 0.5}\n";
    const auto config = configs::Config::parse(model, "test");
    const auto& tokenizer = made_.store().tokenizer();
    const auto untrained = models::build_model(config.root().section("model"),
                                               {tokenizer.vocab_size(), tokenizer.special()}, 1);
    models::CheckpointWriter writer(run(), 3);
    models::write_safetensors(writer.folder() / "model.safetensors",
                              models::named_tensors(*untrained));
    base::write_durably(writer.folder() / "config.yaml", model);
    base::write_durably(writer.folder() / "tokenizer.model", tokenizer.model());
    base::write_durably(writer.folder() / "state.json", "{}\n");
    writer.publish();
    models::point_to(run(), "CURRENT", 3);
    models::point_to(run(), "LAST", 3);
    base::write_durably(run() / "config.yaml", "store: " + made_.folder().string() + "\n" + model);
  }
  [[nodiscard]] std::filesystem::path run() const { return folder_ / "run"; }
  static std::string output_of(const std::vector<std::string>& arguments) {
    testing::internal::CaptureStdout();
    const int code = run_evaluate(arguments);
    auto text = testing::internal::GetCapturedStdout();
    EXPECT_EQ(code, 0);
    return text;
  }
  MadeStore made_{{.dialogues = 40, .distractors = 2}};
  tests::TemporaryFolder folder_;
};

/// What `banter evaluate` complains of with `first` and `more` arguments.
std::string error_with(std::vector<std::string> first, const std::vector<std::string>& more) {
  first.insert(first.end(), more.begin(), more.end());
  try {
    run_evaluate(first);
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(EvaluateCommandTest, JsonHasEveryMetricWithItsCountAndInterval) {
  const auto text = output_of({run().string(), "--split", "train", "--json", "--quiet", "--threads",
                               "1", "--replies", "30"});
  const auto answer = json::parse(text).as_object();
  for (const auto* system : {"model", "bigram", "unigram"}) {
    for (const auto* metric : {"ppl", "ppl_word", "nll_word", "bpb", "token_accuracy"}) {
      const auto& figures = answer.at(system).at(metric).as_object();
      const double value = figures.at("value").to_number<double>();
      EXPECT_LE(figures.at("low").to_number<double>(), value) << system << metric;
      EXPECT_GE(figures.at("high").to_number<double>(), value) << system << metric;
      EXPECT_GT(figures.at("count").to_number<double>(), 0) << system << metric;
    }
  }
  EXPECT_EQ(answer.at("counts").at("labels").to_number<double>(),
            answer.at("model").at("ppl").at("count").to_number<double>());
  for (const auto* metric : {"bleu", "f1", "distinct_2", "entropy_1", "copy_2", "length"}) {
    const auto& figures = answer.at("greedy").at(metric).as_object();
    EXPECT_EQ(figures.at("count").to_number<double>(), 30) << metric;
    const std::string how(figures.at("signature").as_string());
    EXPECT_NE(how.find("|replies:30|data:"), std::string::npos) << how;
  }
  EXPECT_GT(answer.at("reference").at("distinct_2").at("value").to_number<double>(), 0);
  EXPECT_FALSE(answer.at("reference").as_object().contains("bleu"));
  const std::string signature(answer.at("signature").as_string());
  EXPECT_NE(signature.find(made_.store().corpus_hash().substr(0, 12)), std::string::npos);
  EXPECT_NE(signature.find(made_.store().tokenizer().hash().substr(0, 12)), std::string::npos);
}

TEST_F(EvaluateCommandTest, WhatItWritesHasTheFiguresThatItTells) {
  const auto replies = (folder_ / "replies.jsonl").string();
  const auto text = output_of({run().string(), "--split", "train", "--json", "--quiet", "--threads",
                               "1", "--replies", "30", "--write-replies", replies,
                               "--write-likelihoods", (folder_ / "likelihoods.jsonl").string(),
                               "--set", "decoding.method=beam", "--set", "decoding.beam_size=2"});
  const auto answer = json::parse(text).as_object();
  const auto likelihoods = read_likelihoods(folder_ / "likelihoods.jsonl");
  const auto sums = total(by_group(likelihoods));
  EXPECT_EQ(static_cast<double>(likelihoods.size()), sums.replies);
  EXPECT_NEAR(sums.ppl(), answer.at("model").at("ppl").at("value").to_number<double>(), 1e-9);
  EXPECT_EQ(sums.words, answer.at("counts").at("words").to_number<double>());
  const auto samples =
      read_samples({.replies = replies, .references = {}, .contexts = "", .groups = ""});
  EXPECT_EQ(samples.size(), 30U);
  EXPECT_FALSE(samples.at(0).context.empty());
  EXPECT_FALSE(answer.contains("greedy"));
  const auto& told = answer.at("beam").at("f1");
  EXPECT_EQ(told.at("count").to_number<double>(), 30);
  PieceVocabulary vocabulary;
  const auto f1 = measure(samples, metrics_named(std::vector<std::string>{"f1"}), {}, vocabulary);
  EXPECT_NEAR(f1.values().at(0), told.at("value").to_number<double>(), 1e-12);
}

TEST_F(EvaluateCommandTest, SumsByDialogueHaveTheFiguresThatItTells) {
  const auto file = (folder_ / "sums.jsonl").string();
  const auto answer =
      json::parse(output_of({run().string(), "--split", "train", "--json", "--quiet", "--threads",
                             "1", "--replies", "0", "--metrics",
                             "usual,hits_1,perturb_drop_last_turn", "--write-sums", file}))
          .as_object();
  EXPECT_TRUE(answer.at("model").as_object().contains("bpb"));
  const auto sums = DialogueSums::read(file);
  const std::vector<std::string> names = {"hits_1", "perturb_drop_last_turn"};
  const auto measured = sums.measurement(names);
  EXPECT_NEAR(measured.values().at(0),
              answer.at("ranking").at("hits_1").at("value").to_number<double>(), 1e-12);
  EXPECT_NEAR(measured.values().at(1),
              answer.at("perturb").at(names[1]).at("value").to_number<double>(), 1e-9);
  EXPECT_EQ(measured.groups, answer.at("counts").at("groups").to_number<std::size_t>());
  EXPECT_THROW(run_evaluate({run().string(), "--write-sums", file, "--metrics", "ppl"}),
               base::UsageError);
}

TEST_F(EvaluateCommandTest, WhatCannotBeMeasuredIsToldBeforeTheSplitIsScored) {
  const MadeStore plain({.seed = 4, .dialogues = 10, .tokenizer = made_.store().tokenizer()});
  const auto likelihoods = folder_ / "likelihoods.jsonl";
  const auto error_of = [&](const std::vector<std::string>& more) {
    return error_with({run().string(), "--split", "train", "--store", plain.folder().string(),
                       "--quiet", "--write-likelihoods", likelihoods.string()},
                      more);
  };
  EXPECT_NE(error_of({"--metrics", "hits"}).find("no reply has other candidates"),
            std::string::npos);
  base::write_durably(folder_ / "v.bin", "2 3\nword \x01\x02\x03\x04\n");
  EXPECT_NE(error_of({"--vectors", (folder_ / "v.bin").string()}).find("word2vec's binary form"),
            std::string::npos);
  EXPECT_NE(error_of({"--write-replies", (folder_ / "no/r.jsonl").string()}).find("no folder"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(likelihoods));
}

TEST_F(EvaluateCommandTest, OnlyDecodingCanBeSetOfATrainedModel) {
  EXPECT_THROW(run_evaluate({run().string(), "--set", "model.hidden_dim=3"}), base::UsageError);
  EXPECT_THROW(run_evaluate({run().string(), "--set", "decoding.beam=3"}), base::ConfigError);
}

TEST_F(EvaluateCommandTest, TheTableHasTheSameRows) {
  const auto text = output_of({run().string() + "@step-3", "--split", "train", "--quiet",
                               "--threads", "1", "--replies", "0"});
  for (const auto* word : {"hred", "bigram", "unigram", "ppl_word", "bpb", "@step-3", "tokenizer:"})
    EXPECT_NE(text.find(word), std::string::npos) << word;
  EXPECT_EQ(text.find("greedy"), std::string::npos);
}

TEST_F(EvaluateCommandTest, MetricsAreChosenByName) {
  const std::vector<std::string> asked = {run().string(), "--split",   "train",
                                          "--quiet",      "--threads", "1",
                                          "--replies",    "20",        "--metrics"};
  const auto with = [&](const std::string& metrics, const std::vector<std::string>& more = {}) {
    auto arguments = asked;
    arguments.push_back(metrics);
    arguments.insert(arguments.end(), more.begin(), more.end());
    return output_of(arguments);
  };
  const auto answer =
      json::parse(with("ppl,hits_1,hits_3,perturb_shuffle_turns,ppl_turn,f1", {"--json"}))
          .as_object();
  EXPECT_EQ(answer.at("model").as_object().size(), 1U);
  EXPECT_EQ(answer.at("greedy").as_object().size(), 1U);
  EXPECT_EQ(answer.at("by_turn").at("ppl_turn_2").as_object().size(), 5U);
  const auto& ranking = answer.at("ranking").as_object();
  const auto& hits = ranking.at("hits_3").as_object();
  EXPECT_LE(ranking.at("hits_1").at("value").to_number<double>(),
            hits.at("value").to_number<double>());
  EXPECT_NEAR(hits.at("chance").to_number<double>(), 1, 0.01) << "of three candidates, or less";
  const std::string how(hits.at("signature").as_string());
  EXPECT_TRUE(how.starts_with("hits_3|rank_score:mean|checkpoint:")) << how;
  EXPECT_NE(how.find("|split:train|"), std::string::npos) << how;
  const auto& rise = answer.at("perturb").at("perturb_shuffle_turns").as_object();
  EXPECT_LE(rise.at("low").to_number<double>(), rise.at("high").to_number<double>());
  EXPECT_EQ(rise.at("count").to_number<double>(),
            answer.at("counts").at("words").to_number<double>());
  EXPECT_TRUE(std::string(rise.at("signature").as_string())
                  .starts_with("perturb_shuffle_turns|seed:1|checkpoint:"));

  const auto table = with("hits,perturb_reverse_turns", {"--rank-score", "sum"});
  for (const auto* word : {"each among 3.0 candidates", "hits_10", "hits_1|rank_score:sum|",
                           "perturb_reverse_turns|checkpoint:"})
    EXPECT_NE(table.find(word), std::string::npos) << table;
  for (const auto* word : {"bigram", "greedy", "ppl_turn"})
    EXPECT_EQ(table.find(word), std::string::npos) << table;
}

TEST_F(EvaluateCommandTest, VectorsGiveTheEmbeddingMetrics) {
  const auto file = folder_ / "v.txt";
  base::write_durably(file, "kernel 1 0\nboot 0 1\nyes 1 1\nthe 1 2\nyou 2 1\n");
  const std::vector<std::string> arguments = {
      run().string(), "--split", "train",     "--quiet", "--threads", "1",          "--replies",
      "20",           "--json",  "--metrics", "embed",   "--vectors", file.string()};
  const auto answer = json::parse(output_of(arguments)).as_object();
  EXPECT_EQ(answer.at("greedy").as_object().size(), 4U);
  EXPECT_FALSE(answer.contains("reference")) << "it has nothing to be like";
  EXPECT_EQ(answer.at("vectors").at("dimensions").to_number<int>(), 2);
  EXPECT_GT(answer.at("vectors").at("coverage").at("references").to_number<double>(), 0.2);
}

TEST_F(EvaluateCommandTest, PairsOfAStoreAreMeasuredWithTheirPremiseAsPersona) {
  const MadeStore pairs({.dialogues = 2,
                         .pairs = 60,
                         .splits = {"train", "dev"},
                         .tokenizer = made_.store().tokenizer()});
  const auto file = (folder_ / "pairs.jsonl").string();
  const std::vector<std::string> arguments = {
      run().string(),  "--split",   "train",         "--quiet",
      "--threads",     "1",         "--replies",     "0",
      "--metrics",     "pairs,ppl", "--pairs",       pairs.folder().string(),
      "--write-pairs", file,        "--pairs-split", "dev"};
  auto with_json = arguments;
  with_json.emplace_back("--json");
  const auto answer = json::parse(output_of(with_json)).as_object();
  const auto& found = answer.at("pairs").as_object();
  EXPECT_EQ(found.at("counts").at("entailed").to_number<int>(), 10);
  EXPECT_EQ(found.at("split"), "dev");
  const auto written = read_pair_likelihoods(file);
  const auto* gain = pair_column("pair_gain").metric;
  const auto& told = found.at("ppl").at("pair_gain").as_object();
  EXPECT_NEAR(measure_pairs(written, 0, {gain}).values().at(0),
              told.at("value").to_number<double>(), 1e-9);
  const std::string how(told.at("signature").as_string());
  EXPECT_TRUE(how.starts_with("pair_gain|likelihood:ppl|checkpoint:")) << how;
  EXPECT_NE(how.find("|data:" + pairs.store().corpus_hash().substr(0, 12) +
                     "|split:dev|premise:persona|turns:none|shuffled:1|pairs:10+10|interval:"),
            std::string::npos)
      << how;
  const auto table = output_of(arguments);
  for (const auto* word : {"by ppl", "10 entailed, 10 contradicted", "delta_p_shuffled"})
    EXPECT_NE(table.find(word), std::string::npos) << word << " in\n" << table;
}

TEST_F(EvaluateCommandTest, PairsThatCannotBeMeasuredAreErrors) {
  const auto error_of = [&](const std::vector<std::string>& more) {
    return error_with({run().string(), "--quiet", "--split", "train"}, more);
  };
  EXPECT_NE(error_of({"--metrics", "pairs"}).find("pairs needs --pairs STORE"), std::string::npos);
  EXPECT_NE(error_of({"--metrics", "ppl", "--pairs", ""}).find("not among --metrics"),
            std::string::npos);
  EXPECT_NE(error_of({"--pairs-split", "dev"}).find("--pairs-split needs --pairs"),
            std::string::npos);
  EXPECT_NE(error_of({"--pairs", "", "--pairs-split", "train"})
                .find("has no sentence pair of the label entailment"),
            std::string::npos)
      << "the run's own store has none";
  const MadeStore other({.seed = 2, .dialogues = 40, .pairs = 9});
  const auto refused = error_of({"--pairs", other.folder().string(), "--pairs-split", "train"});
  EXPECT_NE(refused.find("tokenizer"), std::string::npos) << refused;
  EXPECT_NE(refused.find("--pairs"), std::string::npos) << refused;
}

TEST_F(EvaluateCommandTest, WhatCannotBeMeasuredIsWrongUsageBeforeAnythingIsRead) {
  const auto error_of = [&](const std::string& metrics) -> std::string {
    try {
      run_evaluate({"no/such/run", "--metrics", metrics});
    } catch (const base::UsageError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(error_of("f1,embed_avg"),
            "banter evaluate: embed_avg needs --vectors; `banter vectors` makes some of a store");
  EXPECT_TRUE(error_of("hits@1").starts_with("banter evaluate: there is no metric \"hits@1\""));
}

TEST_F(EvaluateCommandTest, AStoreOfAnotherTokenizerIsRefused) {
  const MadeStore other({.seed = 2, .dialogues = 40});
  try {
    run_evaluate({run().string(), "--store", other.folder().string(), "--split", "train"});
    FAIL() << "expected an error";
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("tokenizer"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("--store"), std::string::npos);
  }
}

TEST_F(EvaluateCommandTest, ASplitThatIsNotThereIsAnError) {
  EXPECT_THROW(run_evaluate({run().string(), "--split", "test", "--quiet"}), base::DataError);
}

}  // namespace
}  // namespace banter::train
