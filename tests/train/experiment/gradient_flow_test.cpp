#include "train/experiment/gradient_flow.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "configs/section.h"
#include "models/checkpoint/checkpoint.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/encoder_start.h"
#include "models/registry.h"
#include "tests/batch/made_store.h"
#include "tests/support/temporary_folder.h"
#include "train/commands.h"

namespace banter::train {
namespace {

class GradientFlowTest : public testing::Test {
 protected:
  [[nodiscard]] models::ModelPtr model(const std::string& options) const {
    const auto config =
        configs::Config::parse("{embed_dim: 16, hidden_dim: 32, " + options + "}", "test");
    return models::build_model(config.root(),
                               {made_.store().tokenizer().vocab_size(), made_.special()}, 1);
  }
  [[nodiscard]] std::vector<data::Example> examples(std::int64_t turns, std::int64_t count) const {
    return replies_with_turns(made_.split(), data::ReplyRule("all"), turns, count);
  }
  [[nodiscard]] std::vector<double> norms(models::DialogueModel& of, std::int64_t turns,
                                          std::span<const data::Example> replies) const {
    return oldest_turn_log_norms(of, made_.split(), replies, options_, turns, torch::kCPU);
  }
  [[nodiscard]] double mean(models::DialogueModel& of, std::int64_t turns,
                            std::span<const data::Example> replies) const {
    const auto all = norms(of, turns, replies);
    for (const double norm : all) EXPECT_TRUE(std::isfinite(norm)) << turns << " turns";
    return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  }

  /// Of the gradient at some rows of the table.
  static double plain_norm(models::DialogueModel& of, const data::Batch& batch,
                           const torch::Tensor& rows) {
    const auto loss = of.losses(batch).at(0).sum / batch.label_count;
    const auto table = of.named_parameters()["embedding.token.weight"];
    return torch::autograd::grad({loss}, {table}).at(0).index_select(0, rows).norm().item<double>();
  }

  const tests::MadeStore made_{{.dialogues = 200, .most_turns = 26, .most_words = 12}};
  const data::BatchOptions options_{.max_context_turns = 3, .persona = "none"};
};

TEST_F(GradientFlowTest, RepliesHaveTheContextAndAreOneADialogue) {
  const auto replies = examples(20, 12);
  ASSERT_EQ(replies.size(), 12U);
  std::set<std::uint64_t> dialogues;
  for (const auto& reply : replies) {
    EXPECT_GE(reply.turn, 20U);
    EXPECT_LT(reply.turn, made_.split().dialogue(reply.dialogue).turns);
    EXPECT_TRUE(dialogues.insert(reply.dialogue).second);
  }
}

TEST_F(GradientFlowTest, AttentionReachesFurtherBackThanPlainRecurrence) {
  const auto replies = examples(20, 16);
  const auto plain = model("attention: none");
  const double plain_near = mean(*plain, 2, replies), plain_far = mean(*plain, 20, replies);
  EXPECT_LT(plain_far, plain_near) << "it fades with the number of turns";
  for (const auto* attention : {"static", "dynamic", "both"}) {
    const auto attending = model(std::string("attention: ") + attention);
    EXPECT_GT(mean(*attending, 20, replies) - plain_far, mean(*attending, 2, replies) - plain_near)
        << attention;
  }
}

/// The gradient at the rows of the table itself, where no other token of the batch shares them.
TEST_F(GradientFlowTest, IsTheGradientAtTheTurnsOwnTokens) {
  const auto of = model("attention: both");
  of->eval();
  auto limits = options_;
  limits.max_context_turns = 1;
  int checked = 0;
  for (std::uint64_t d = 0; d < made_.split().dialogues(); ++d) {
    if (made_.split().dialogue(d).turns < 2) continue;
    const std::vector<data::Example> one = {{.dialogue = d, .turn = 1}};
    const auto batch =
        data::make_batch(made_.split(), one, limits, made_.special(), data::ReplyLength::kWhole);
    std::map<std::int64_t, int> uses;
    const auto count = [&](const torch::Tensor& ids) {
      for (std::int64_t i = 0; i < ids.numel(); ++i) ++uses[ids.flatten()[i].item<std::int64_t>()];
    };
    const auto own = batch.turn_ids[batch.context[0][0].item<std::int64_t>()];
    count(own);
    count(batch.decoder_input);
    bool is_alone = true;
    for (std::int64_t i = 0; i < own.size(0); ++i)
      is_alone = is_alone && uses[own[i].item<std::int64_t>()] == 1;
    if (!is_alone) continue;
    ++checked;
    EXPECT_NEAR(norms(*of, 1, one).at(0), std::log(plain_norm(*of, batch, own)), 1e-4);
  }
  EXPECT_GE(checked, 3);
}

TEST_F(GradientFlowTest, EveryReplyHasItsOwnWhateverItsBatch) {
  const auto of = model("attention: dynamic");
  const auto replies = examples(6, 20);
  const auto together = norms(*of, 5, replies);
  for (std::size_t i = 0; i < replies.size(); ++i)
    EXPECT_NEAR(together[i], norms(*of, 5, std::span(replies).subspan(i, 1)).at(0), 1e-4) << i;
}

TEST_F(GradientFlowTest, LeavesTheModelAsItWas) {
  const auto of = model("attention: static");
  of->train();
  const auto before = of->named_parameters()["embedding.token.weight"].detach().clone();
  EXPECT_EQ(norms(*of, 3, examples(6, 4)).size(), 4U);
  EXPECT_TRUE(of->is_training());
  const auto after = of->named_parameters()["embedding.token.weight"];
  EXPECT_TRUE(torch::equal(after, before));
  EXPECT_FALSE(after.grad().defined());
}

TEST_F(GradientFlowTest, ATiedTableIsRefused) {
  const auto of = model("attention: static, tied: true");
  EXPECT_THROW(norms(*of, 3, examples(6, 4)), base::ConfigError);
}

/// Run folders with one checkpoint of a small model each.
class GradientFlowCommandTest : public GradientFlowTest {
 protected:
  /// With the parameters that `seed` gives, whatever the recipe says of their start.
  std::string write_run(const std::string& name, std::uint64_t seed,
                        const std::string& init_from = "''") {
    const std::string yaml =
        "model: {type: hred, embed_dim: 8, hidden_dim: 8}\n"
        "train: {steps: 1, init_from: " +
        init_from + "}\n";
    return write_run(name, yaml, *model_of(yaml, seed));
  }
  /// The model of a recipe as `seed` starts it.
  models::ModelPtr model_of(const std::string& yaml, std::uint64_t seed) const {
    const auto& tokenizer = made_.store().tokenizer();
    return models::build_model(configs::Config::parse(yaml, "test").root().section("model"),
                               {tokenizer.vocab_size(), tokenizer.special()}, seed);
  }
  std::string write_run(const std::string& name, const std::string& yaml,
                        const torch::nn::Module& of) {
    const auto& tokenizer = made_.store().tokenizer();
    const auto run = folder_ / name;
    models::CheckpointWriter writer(run, 1);
    models::write_safetensors(writer.folder() / "model.safetensors", models::named_tensors(of));
    base::write_durably(writer.folder() / "config.yaml", yaml);
    base::write_durably(writer.folder() / "tokenizer.model", tokenizer.model());
    base::write_durably(writer.folder() / "state.json", "{}\n");
    writer.publish();
    models::point_to(run, "CURRENT", 1);
    base::write_durably(run / "config.yaml", "store: " + made_.folder().string() +
                                                 "\nrun: " + run.string() + "\n" + yaml);
    return run.string();
  }
  static base::json::object answer_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--split", "train", "--turns", "2:3", "--replies", "4",
                                       "--json", "--quiet", "--threads", "1"});
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_gradient_flow(arguments), 0);
    return base::parse_json(testing::internal::GetCapturedStdout(), "answer").as_object();
  }
  tests::TemporaryFolder folder_;
};

TEST_F(GradientFlowCommandTest, InitialIsWhereTheRunBegan) {
  const auto first = write_run("first", 5);
  const auto fresh = answer_of({write_run("fresh", 5)});
  EXPECT_NE(fresh.at("initial"), fresh.at("trained")) << "seed 1 made it";
  const auto begun = answer_of({write_run("begun", 5, first)});
  EXPECT_EQ(begun.at("initial"), begun.at("trained")) << "nothing was learned since";
  EXPECT_NE(begun.at("signature").as_string().find("|initial:"), std::string::npos);
}

TEST_F(GradientFlowCommandTest, InitialIsThePretrainedEncoderThatTheRunBeganWith) {
  const std::string bert = BANTER_SOURCE_DIR "/tests/fixtures/hugging_face/encoders/bert";
  const std::string yaml =
      "model: {type: stack_propagation, dim: 8, heads: 2, ffn_dim: 12, encoder_layers: 1, "
      "decoder_layers: 1, consistency_layers: 0, norm: post, norm_eps: 1e-12, positions: learned, "
      "max_positions: 20, scale_embedding: false, embedding_norm: true, activation: gelu, "
      "tied: false}\n"
      "train: {steps: 1, init_encoder: " +
      bert + "}\n";
  const auto of = model_of(yaml, /*seed=*/1);
  models::start_from_encoder(*of, made_.store().tokenizer(), bert, "test");
  const auto answer = answer_of({write_run("run", yaml, *of)});
  EXPECT_EQ(answer.at("initial"), answer.at("trained")) << "nothing was learned since";
  EXPECT_NE(answer.at("signature").as_string().find("|initial:"), std::string::npos);
}

TEST_F(GradientFlowCommandTest, AStoreOfAnotherTokenizerIsRefused) {
  const auto run = write_run("run", 1);
  const tests::MadeStore other({.seed = 2, .dialogues = 20});
  EXPECT_THROW(run_gradient_flow({run, "--split", "train", "--store", other.folder().string()}),
               base::DataError);
  const tests::MadeStore same({.seed = 3, .dialogues = 60, .tokenizer = made_.store().tokenizer()});
  EXPECT_EQ(answer_of({run, "--store", same.folder().string()}).at("replies").to_number<int>(), 4);
}

}  // namespace
}  // namespace banter::train
