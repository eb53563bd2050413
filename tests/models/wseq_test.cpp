#include "models/wseq.h"

#include <cmath>

#include "tests/models/model_test.h"

namespace banter::models {
namespace {

const std::string kWseq = "type: wseq\nembed_dim: 9\nhidden_dim: 8\ndropout: 0\nspeakers: true\n";

class WseqTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
};

std::vector<torch::Tensor> turn_vectors(const Plain& p, const data::Context& context) {
  std::vector<torch::Tensor> turns;
  for (const auto& [ids, speaker] : Plain::sources(context)) {
    turns.push_back(torch::zeros({8}, torch::kDouble));
    for (const auto id : ids) turns.back() = p.gru("encoder", p.token(id, speaker), turns.back());
  }
  return turns;
}

/// softmax of the cosines to the last turn, straight from the equations.
torch::Tensor weights(const std::vector<torch::Tensor>& turns) {
  std::vector<torch::Tensor> scores;
  for (const auto& h : turns)
    scores.push_back(h.dot(turns.back()) /
                     (h.norm().clamp_min(1e-8) * turns.back().norm().clamp_min(1e-8)));
  scores.back() = torch::ones({}, torch::kDouble);
  return torch::stack(scores).softmax(0);
}

TEST_F(WseqTest, ScoresAreTheEquations) {
  const auto m = tiny_model(kWseq);
  const torch::NoGradGuard no_grad;
  move_parameters(*m);
  const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/2);
  const Plain p(*m);
  const auto turns = turn_vectors(p, contexts[0]);
  const auto a = weights(turns);
  const auto c = a.matmul(torch::stack(turns));
  auto s = torch::tanh(p("start.weight").mv(turns.back()) + p("start.bias"));

  const auto scored = m->score(tiny_batch(contexts), /*with_attention=*/true);
  auto labels = contexts[0].reply;
  labels.push_back(data::SpecialIds{}.eos);
  auto input = data::SpecialIds{}.bos;
  for (std::size_t t = 0; t < labels.size(); ++t) {
    s = p.gru("decoder", torch::cat({p.token(input), c}), s);
    const auto place = static_cast<std::int64_t>(t);
    EXPECT_NEAR(scored.log_probs[0][place].item<double>(), p.log_probs(s)[labels[t]].item<double>(),
                kExact);
    EXPECT_TRUE(torch::allclose(scored.attention.at(0).weights[0][place], a, kExact, kExact));
    input = labels[t];
  }
}

/// A turn of zeros is like no other, so its score is 0; as the last one it still has 1.
TEST_F(WseqTest, TheLastTurnScoresOneWhateverItsVector) {
  const auto m = tiny_model(kWseq);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : m->parameters()) parameter.zero_();  // every turn's vector is zero
  const auto weights = m->score(tiny_batch(tiny_contexts({3})), true).attention.at(0).weights[0][0];
  const double last = std::exp(1.0) / (std::exp(1.0) + 2);
  EXPECT_NEAR(weights[2].item<double>(), last, kExact);
  EXPECT_NEAR(weights[0].item<double>(), (1 - last) / 2, kExact);
}

TEST_F(WseqTest, EarlierTurnsMayBePermuted) {
  const auto m = tiny_model(kWseq);
  auto contexts = tiny_contexts({5});
  const torch::NoGradGuard no_grad;
  const auto score = [&] { return m->score(tiny_batch(contexts), false).log_probs; };
  const auto before = score();
  std::swap(contexts[0].turns[0], contexts[0].turns[2]);
  EXPECT_TRUE(torch::allclose(before, score(), kExact, kExact));
  std::swap(contexts[0].turns[3], contexts[0].turns[4]);
  EXPECT_FALSE(torch::allclose(before, score(), kExact, kExact));
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST_F(WseqTest, ParameterNamesArePinned) {
  EXPECT_EQ(names_and_shapes(*tiny_model(kWseq)),
            "embedding.token.weight[60, 9]\n"
            "embedding.speaker.weight[9, 9]\n"
            "encoder.weight_ih[24, 9]\n"
            "encoder.weight_hh[24, 8]\n"
            "encoder.bias_ih[24]\n"
            "encoder.bias_hh[24]\n"
            "start.weight[8, 8]\n"
            "start.bias[8]\n"
            "decoder.weight_ih[24, 17]\n"
            "decoder.weight_hh[24, 8]\n"
            "decoder.bias_ih[24]\n"
            "decoder.bias_hh[24]\n"
            "output.weight[60, 8]\n"
            "output.bias[60]\n");
}

}  // namespace
}  // namespace banter::models
