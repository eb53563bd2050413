#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "models/checkpoint/checkpoint.h"
#include "models/checkpoint/safetensors.h"
#include "models/pair_classifiers.h"
#include "tests/batch/made_store.h"
#include "tests/support/temporary_folder.h"
#include "train/commands.h"
#include "train/evaluation/pairs/classify.h"
#include "train/evaluation/pairs/evaluation.h"
#include "train/metrics/statistics/dialogue_sums.h"

namespace banter::train {
namespace {

namespace json = base::json;
using tests::MadeStore;

const std::string kModel = "type: nli\ndim: 8\nheads: 2\nffn_dim: 8\nencoder_layers: 1\n";

models::PairClassifierPtr small_classifier(const data::Tokenizer& tokenizer) {
  const auto config = configs::Config::parse(kModel, "test");
  return models::build_pair_classifier(config.root(), {tokenizer.vocab_size(), tokenizer.special()},
                                       1);
}

bool any(const JudgedPair& /*pair*/) { return true; }

class PairEvaluationTest : public testing::Test {
 protected:
  MadeStore made_{{.dialogues = 4, .pairs = 90, .splits = {"train", "valid"}}};
  const data::Split& split_ = made_.store().split("valid");
  models::PairClassifierPtr classifier_ = small_classifier(made_.store().tokenizer());
  data::BatchOptions options_{.tokens_per_batch = 60, .max_reply_tokens = 9};
  PairEvaluation evaluate(const data::Split* train = nullptr) {
    return evaluate_pairs(*classifier_, split_, train, options_, torch::kCPU, /*quiet=*/true);
  }
};

TEST_F(PairEvaluationTest, GivesEveryPairItsOwnFitHoweverItIsBatched) {
  const auto sums = evaluate();
  options_.tokens_per_batch = 1;
  const auto alone = evaluate();
  ASSERT_EQ(sums.pairs.size(), split_.pairs());
  ASSERT_EQ(sums.systems.size(), 1U);
  for (std::uint64_t p = 0; p < split_.pairs(); ++p) {
    const auto& fit = sums.systems[0].fits[p];
    EXPECT_EQ(fit.pairs, 1);
    EXPECT_NEAR(fit.nll, alone.systems[0].fits[p].nll, 1e-5);
    EXPECT_EQ(sums.pairs[p].label, split_.pair_label(p));
    EXPECT_EQ(sums.pairs[p].source, split_.pair_record(p).source);
  }
  EXPECT_TRUE(classifier_->is_training()) << "left as it was";
}

TEST_F(PairEvaluationTest, LogProbsAreThoseOfTheLogits) {
  const torch::NoGradGuard no_grad;
  classifier_->eval();
  const std::vector<std::uint64_t> numbers = {3, 5};
  const auto batch = data::make_pair_batch(split_, numbers, options_, made_.special());
  const auto logits = classifier_->logits(batch);
  const auto pairs = classify(*classifier_, batch, torch::kCPU);
  for (std::size_t n = 0; n < pairs.size(); ++n) {
    const auto row = logits[static_cast<std::int64_t>(n)].to(torch::kDouble);
    const auto label = static_cast<std::int64_t>(pairs[n].label);
    EXPECT_NEAR(pairs[n].fit().nll, (row.logsumexp(0) - row[label]).item<double>(), 1e-12);
    EXPECT_EQ(static_cast<std::int64_t>(models::most_probable(pairs[n].log_probs)),
              row.argmax().item<std::int64_t>());
    EXPECT_EQ(pairs[n].fit().correct, row.argmax().item<std::int64_t>() == label ? 1 : 0);
  }
}

TEST_F(PairEvaluationTest, WhatUnderstandsNothingStandsBesideIt) {
  const auto& train = made_.store().split("train");
  const auto sums = evaluate(&train);
  std::vector<std::string> names;
  for (const auto& system : sums.systems) {
    names.push_back(system.name);
    EXPECT_EQ(total(sums.groups(system, any)).pairs, static_cast<double>(split_.pairs()));
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"model", "bag_of_words", "hypothesis_words", "majority"}));
  EXPECT_EQ(sums.baseline_pairs, train.pairs());
  EXPECT_NEAR(total(sums.groups(sums.systems[3], any)).accuracy(), 1.0 / 3, 1e-12)
      << "a third of each label";
}

TEST_F(PairEvaluationTest, GroupsAreThoseOfThePairsAndAddUp) {
  const auto sums = evaluate();
  const auto& model = sums.systems[0];
  std::set<std::string> groups;
  for (std::uint64_t p = 0; p < split_.pairs(); ++p) groups.insert(split_.pair_record(p).group);
  EXPECT_EQ(sums.groups(model, any).size(), groups.size());
  double parts = 0;
  for (const auto label :
       {data::Label::kEntailment, data::Label::kNeutral, data::Label::kContradiction})
    parts +=
        total(sums.groups(model, [&](const JudgedPair& pair) { return pair.label == label; })).nll;
  EXPECT_NEAR(parts, total(sums.groups(model, any)).nll, 1e-9);
}

TEST(PairIntervalTest, IsOverGroupsAndHoldsTheValue) {
  const std::vector<PairFit> groups = {{.nll = 1, .correct = 1, .pairs = 1},
                                       {.nll = 4, .correct = 0, .pairs = 2},
                                       {.nll = 3, .correct = 3, .pairs = 3}};
  EXPECT_NEAR(total(groups).accuracy(), 4.0 / 6, 1e-12);
  EXPECT_NEAR(total(groups).loss(), 8.0 / 6, 1e-12);
  const auto interval = interval_of(groups, &PairFit::accuracy);
  EXPECT_EQ(interval.low, 0) << "a draw of the second group alone";
  EXPECT_EQ(interval.high, 1);
  EXPECT_TRUE(std::isnan(interval_of({groups[0]}, &PairFit::accuracy).low));
  EXPECT_TRUE(std::isnan(total(std::vector<PairFit>{}).accuracy()));
}

/// A run of an untrained classifier, as `banter train` lays it out.
class PairEvaluateCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto& tokenizer = made_.store().tokenizer();
    models::CheckpointWriter writer(run(), 3);
    const auto write = [&](const char* name, const std::string& text) {
      base::write_durably(writer.folder() / name, text);
    };
    write("config.yaml", "batch: {}\nmodel: {" + inline_yaml() + "}\n");
    write("tokenizer.model", std::string(tokenizer.model()));
    models::write_safetensors(writer.folder() / "model.safetensors",
                              models::named_tensors(*small_classifier(tokenizer)));
    writer.publish();
    models::point_to(run(), "CURRENT", 3);
    base::write_durably(run() / "config.yaml",
                        "store: " + made_.folder().string() + "\nmodel: {" + inline_yaml() + "}\n");
  }
  static std::string inline_yaml() {
    auto text = kModel.substr(0, kModel.size() - 1);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;)
      text.replace(at, 1, ", ");
    return text;
  }
  [[nodiscard]] std::filesystem::path run() const { return folder_ / "run"; }
  [[nodiscard]] std::string output_of(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {run().string(), "--quiet", "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    testing::internal::CaptureStdout();
    const int code = run_evaluate(arguments);
    auto text = testing::internal::GetCapturedStdout();
    EXPECT_EQ(code, 0);
    return text;
  }
  MadeStore made_{{.dialogues = 4, .pairs = 90, .splits = {"train", "valid"}}};
  tests::TemporaryFolder folder_;
};

TEST_F(PairEvaluateCommandTest, JsonHasAccuracyByLabelAndSourceWithIntervals) {
  const auto answer = json::parse(output_of({"--json"})).as_object();
  const auto pairs = made_.store().split("valid").pairs();
  EXPECT_EQ(answer.at("counts").at("pairs").to_number<std::uint64_t>(), pairs);
  for (const auto* system : {"model", "bag_of_words", "hypothesis_words", "majority"}) {
    const auto& figures = answer.at(system).at("accuracy").as_object();
    const auto value = figures.at("value").to_number<double>();
    EXPECT_LE(figures.at("low").to_number<double>(), value) << system;
    EXPECT_GE(figures.at("high").to_number<double>(), value) << system;
    double by_source = 0, by_label = 0;
    for (const auto* part : {"by_source", "by_label"}) {
      for (const auto& [name, row] : answer.at(part).as_object()) {
        const auto& figure = row.at(system).as_object();
        (part[3] == 's' ? by_source : by_label) +=
            figure.at("value").to_number<double>() * figure.at("count").to_number<double>();
      }
    }
    EXPECT_NEAR(by_source, value * static_cast<double>(pairs), 1e-9);
    EXPECT_NEAR(by_label, value * static_cast<double>(pairs), 1e-9);
  }
  EXPECT_EQ(answer.at("by_source").as_object().size(), 2U);
  EXPECT_EQ(answer.at("by_label").as_object().size(), 3U);
  EXPECT_GT(answer.at("model").at("loss").at("value").to_number<double>(), 0);
}

TEST_F(PairEvaluateCommandTest, TheTableHasTheSameRows) {
  const auto text = output_of({});
  for (const auto* word : {"@step-3", "45 pairs", "bag_of_words", "majority", "contradiction",
                           "even", "odd", "interval:bootstrap-group", "tokenizer:"})
    EXPECT_NE(text.find(word), std::string::npos) << word << " in\n" << text;
}

TEST_F(PairEvaluateCommandTest, SumsOfGroupsHaveTheFiguresThatItTells) {
  const auto file = folder_ / "sums.jsonl";
  const auto answer = json::parse(output_of({"--json", "--write-sums", file.string()})).as_object();
  const auto sums = DialogueSums::read(file);
  const std::vector<std::string> names = {"accuracy", "loss"};
  const auto measured = sums.measurement(names);
  EXPECT_EQ(measured.groups, answer.at("counts").at("groups").to_number<std::size_t>());
  for (std::size_t i = 0; i < names.size(); ++i)
    EXPECT_NEAR(measured.values().at(i),
                answer.at("model").at(names[i]).at("value").to_number<double>(), 1e-9);
}

TEST_F(PairEvaluateCommandTest, WhatIsOfRepliesIsWrongUsage) {
  for (const auto& more : std::vector<std::vector<std::string>>{
           {"--metrics", "ppl"}, {"--replies", "3"}, {"--set", "decoding.method=beam"}})
    try {
      (void)output_of(more);
      FAIL() << more[0] << " was taken";
    } catch (const base::UsageError& error) {
      (void)testing::internal::GetCapturedStdout();
      EXPECT_NE(std::string(error.what()).find("classifier of sentence pairs"), std::string::npos);
    }
}

TEST_F(PairEvaluateCommandTest, ASplitWithoutPairsIsAnErrorThatSaysWhatToDo) {
  const MadeStore without(
      {.dialogues = 4, .splits = {"train", "valid"}, .tokenizer = made_.store().tokenizer()});
  try {
    run_evaluate({run().string(), "--quiet", "--store", without.folder().string()});
    FAIL() << "it was measured on nothing";
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("no sentence pair to classify"), std::string::npos);
  }
}

}  // namespace
}  // namespace banter::train
