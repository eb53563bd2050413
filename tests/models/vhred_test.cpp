// The properties of the latent variable: its divergence, its weight, where it is drawn.

#include "models/vhred.h"

#include <cmath>

#include "tests/models/model_test.h"

namespace banter::models {
namespace {

const std::string kVhred =
    "type: vhred\nembed_dim: 9\nhidden_dim: 8\nlatent_dim: 5\ndropout: 0\nspeakers: true\n";
const std::string kNoNoise = "variance_scale: 1.0e-40\n";  // z is the mean but for 1e-20

class VhredTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
};

std::shared_ptr<Vhred> vhred(const std::string& yaml) {
  auto model = std::dynamic_pointer_cast<Vhred>(tiny_model(kVhred + yaml));
  const torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  move_parameters(*model);
  return model;
}

double nll_of(DialogueModel& model, const data::Batch& batch) {
  const torch::NoGradGuard no_grad;
  return model.losses(batch).at(0).sum.item<double>();
}

/// The equations a token at a time.
struct Reference {
  Plain p;
  torch::Tensor zeros = torch::zeros({8}, torch::kDouble);

  [[nodiscard]] torch::Tensor encoded(const std::vector<data::TokenId>& ids,
                                      std::int64_t speaker) const {
    auto h = zeros;
    for (const auto id : ids) h = p.gru("encoder", p.token(id, speaker), h);
    return h;
  }
  [[nodiscard]] torch::Tensor context(const data::Context& context) const {
    auto g = zeros;
    for (const auto& [ids, speaker] : Plain::sources(context))
      g = p.gru("context_rnn", encoded(ids, speaker), g);
    return g;
  }
  [[nodiscard]] torch::Tensor reply(const data::Context& context) const {
    auto ids = context.reply;
    ids.push_back(data::SpecialIds{}.turn_end);
    return encoded(ids, context.reply_speaker);
  }
  [[nodiscard]] torch::Tensor linear(const std::string& name, const torch::Tensor& x) const {
    return p(name + ".weight").mv(x) + p(name + ".bias");
  }
  [[nodiscard]] Gaussian gaussian(const std::string& name, const torch::Tensor& x) const {
    const auto m = torch::tanh(linear(name + ".second", torch::tanh(linear(name + ".first", x))));
    return {linear(name + ".mean", m), 0.1 * torch::log1p(linear(name + ".variance", m).exp())};
  }
  [[nodiscard]] torch::Tensor log_probs(const data::Context& context, const torch::Tensor& g,
                                        const torch::Tensor& z) const {
    const auto c = torch::cat({g, z});
    auto s = torch::tanh(linear("start", c));
    auto labels = context.reply;
    labels.push_back(data::SpecialIds{}.eos);
    auto input = data::SpecialIds{}.bos;
    std::vector<torch::Tensor> all;
    for (const auto label : labels) {
      s = p.gru("decoder", torch::cat({p.token(input), c}), s);
      all.push_back(p.log_probs(s)[label]);
      input = label;
    }
    return torch::stack(all);
  }
};

TEST_F(VhredTest, ScoresAreTheEquationsAtThePriorsMean) {
  const auto m = vhred("");
  const torch::NoGradGuard no_grad;
  const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/2);
  const Reference reference{Plain(*m)};
  const auto g = reference.context(contexts[0]);
  const auto expected = reference.log_probs(contexts[0], g, reference.gaussian("prior", g).mean);
  const auto scored = m->score(tiny_batch(contexts), false).log_probs[0];
  EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact));
}

TEST_F(VhredTest, LossesAreTheEquationsAtThePosterior) {
  const torch::NoGradGuard no_grad;
  const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/2);
  const auto batch = tiny_batch(contexts);
  const auto m = vhred("");
  const Reference reference{Plain(*m)};
  const auto g = reference.context(contexts[0]);
  const auto p = reference.gaussian("prior", g);
  const auto q = reference.gaussian("posterior", torch::cat({g, reference.reply(contexts[0])}));
  const auto kl = 0.5 * ((p.variance / q.variance).log() +
                         (q.variance + (q.mean - p.mean).square()) / p.variance - 1)
                            .sum();
  EXPECT_NEAR(m->losses(batch).at(1).sum.item<double>(), kl.item<double>(), kExact);
  EXPECT_GT(kl.item<double>(), 0.1);

  const auto nll = -reference.log_probs(contexts[0], g, q.mean).sum();
  EXPECT_NEAR(nll_of(*vhred(kNoNoise), batch), nll.item<double>(), kExact);
  EXPECT_GT(std::abs(nll_of(*m, batch) - nll.item<double>()), 1e-3);  // z is drawn, not the mean
}

TEST_F(VhredTest, DivergenceOfKnownGaussians) {
  const auto zeros = torch::zeros({2, 7}, torch::kDouble), ones = torch::ones_like(zeros);
  const auto kl = [](const Gaussian& q, const Gaussian& p) {
    return kl_divergence(q, p)[0].item<double>() / 7;  // a dimension
  };
  EXPECT_NEAR(kl({ones, ones}, {zeros, ones}), 0.5, kExact);
  EXPECT_NEAR(kl({ones, ones}, {ones, ones}), 0, kExact);
  EXPECT_NEAR(kl({zeros, 4 * ones}, {zeros, ones}), 0.5 * (4 - 1 - std::log(4.0)), kExact);
  EXPECT_NEAR(kl({zeros, ones}, {zeros, 4 * ones}), 0.5 * (0.25 - 1 + std::log(4.0)), kExact);
}

TEST_F(VhredTest, TheDivergenceBeginsToCountSlowly) {
  const auto m = vhred("kl_anneal_steps: 1000\n");
  EXPECT_EQ(m->loss_weight("kl", 0), 0);
  EXPECT_EQ(m->loss_weight("kl", 500), 0.5);
  EXPECT_EQ(m->loss_weight("kl", 1000), 1);
  EXPECT_EQ(m->loss_weight("kl", 4000), 1);
  EXPECT_EQ(m->loss_weight("nll", 0), 1);
  EXPECT_EQ(vhred("kl_anneal_steps: 0\n")->loss_weight("kl", 0), 1);
}

TEST_F(VhredTest, DroppedWordsAreReadAsUnkInTrainingOnlyAndNeverTheFirst) {
  const auto kept = vhred(kNoNoise + "word_drop: 0\n");
  const auto dropping = vhred(kNoNoise + "word_drop: 0.999999999\n");  // all but surely
  auto batch = tiny_batch(tiny_contexts({3, 2}));
  EXPECT_EQ(nll_of(*kept, batch), nll_of(*dropping, batch));
  dropping->train();
  const double dropped = nll_of(*dropping, batch);
  batch.decoder_input = batch.decoder_input.masked_fill(
      batch.decoder_input.ne(data::SpecialIds{}.bos), data::SpecialIds{}.unk);
  EXPECT_NEAR(dropped, nll_of(*kept, batch), kExact);
}

TEST_F(VhredTest, ADroppedShareIsTheOneAskedFor) {
  const auto m = vhred(kNoNoise + "word_drop: 0.25\n");
  auto contexts = tiny_contexts({1});
  contexts[0].reply = {30};  // two inputs: bos, and one that may be dropped
  const auto batch = tiny_batch(contexts);
  const double whole = nll_of(*m, batch);
  m->train();
  int dropped = 0;
  for (int i = 0; i < 400; ++i) dropped += std::abs(nll_of(*m, batch) - whole) > 1e-9 ? 1 : 0;
  EXPECT_NEAR(dropped / 400.0, 0.25, 0.07);  // three deviations
}

TEST_F(VhredTest, TrainingDrawsFromTheGeneratorOfTheStep) {
  const auto m = vhred("word_drop: 0\n");
  m->train();
  const auto batch = tiny_batch(tiny_contexts({3, 2}));
  const auto at = [&](std::uint64_t seed) {
    torch::manual_seed(seed);
    return nll_of(*m, batch);
  };
  EXPECT_EQ(at(1), at(1));
  EXPECT_NE(at(1), at(2));
}

TEST_F(VhredTest, TheBoundIsARepliesOwn) {
  const auto m = vhred("");
  const torch::NoGradGuard no_grad;
  const auto contexts = tiny_contexts({3, 1, 5});
  const auto together = tiny_batch(contexts);
  const auto bounds = m->bound(together).value();
  for (std::int64_t b = 0; b < together.replies(); ++b) {
    const auto which = together.examples[static_cast<std::size_t>(b)].dialogue;
    const auto alone = m->bound(tiny_batch({contexts[which]})).value();
    EXPECT_NEAR(alone[0].item<double>(), bounds[b].item<double>(), kExact);
  }
}

TEST_F(VhredTest, ADrawIsThePriorAtItsKeysNoise) {
  const auto m = vhred("latent: sample\n");
  const c10::InferenceMode guard;
  const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/1);
  const auto batch = tiny_batch(contexts);
  const auto memory =
      m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  const auto keys = torch::tensor({std::int64_t{11}, std::int64_t{12}, std::int64_t{11}});
  auto state = m->draw(m->start(0, memory, torch::zeros({3}, torch::kLong)), memory, keys);

  const Reference reference{Plain(*m)};
  const auto g = reference.context(contexts[0]);
  const auto z = reference.gaussian("prior", g).at(keyed_normal(keys, 5));  // (3,5)
  auto labels = contexts[0].reply;
  labels.push_back(data::SpecialIds{}.eos);
  auto input = data::SpecialIds{}.bos;
  for (std::size_t t = 0; t < labels.size(); ++t) {
    const auto out = m->step(torch::full({3}, input, torch::kLong), memory, state);
    const auto stepped = out.logits.log_softmax(1);
    EXPECT_TRUE(torch::equal(stepped[0], stepped[2]));
    EXPECT_FALSE(torch::allclose(stepped[0], stepped[1]));
    for (std::int64_t n = 0; n < 2; ++n)
      EXPECT_NEAR(
          stepped[n][labels[t]].item<double>(),
          reference.log_probs(contexts[0], g, z[n])[static_cast<std::int64_t>(t)].item<double>(),
          kExact);
    state = out.state;
    input = labels[t];
  }
}

TEST_F(VhredTest, AtTheMeanNothingIsDrawn) {
  const auto m = vhred("latent: mean\n");
  const c10::InferenceMode guard;
  const auto batch = tiny_batch(tiny_contexts({3}));
  const auto memory =
      m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  const auto state = m->start(0, memory, torch::zeros({1}, torch::kLong));
  const auto drawn = m->draw(state, memory, torch::tensor({std::int64_t{5}}));
  EXPECT_TRUE(torch::equal(state.rows.parts[0], drawn.rows.parts[0]));
}

TEST_F(VhredTest, KeyedNumbersAreNormalAndTheirRowsOwn) {
  const auto keys = torch::arange(400);
  const auto numbers = keyed_normal(keys, 101);
  EXPECT_NEAR(numbers.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR(numbers.square().mean().item<double>(), 1, 0.03);
  EXPECT_NEAR(numbers.lt(1.0).to(torch::kDouble).mean().item<double>(), 0.8413, 0.01);
  EXPECT_TRUE(torch::equal(keyed_normal(keys.narrow(0, 7, 1), 101)[0], numbers[7]));
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST_F(VhredTest, ParameterNamesArePinned) {
  EXPECT_EQ(names_and_shapes(*tiny_model(kVhred)),
            "embedding.token.weight[60, 9]\n"
            "embedding.speaker.weight[9, 9]\n"
            "encoder.weight_ih[24, 9]\n"
            "encoder.weight_hh[24, 8]\n"
            "encoder.bias_ih[24]\n"
            "encoder.bias_hh[24]\n"
            "context_rnn.weight_ih[24, 8]\n"
            "context_rnn.weight_hh[24, 8]\n"
            "context_rnn.bias_ih[24]\n"
            "context_rnn.bias_hh[24]\n"
            "prior.first.weight[8, 8]\n"
            "prior.first.bias[8]\n"
            "prior.second.weight[8, 8]\n"
            "prior.second.bias[8]\n"
            "prior.mean.weight[5, 8]\n"
            "prior.mean.bias[5]\n"
            "prior.variance.weight[5, 8]\n"
            "prior.variance.bias[5]\n"
            "posterior.first.weight[8, 16]\n"
            "posterior.first.bias[8]\n"
            "posterior.second.weight[8, 8]\n"
            "posterior.second.bias[8]\n"
            "posterior.mean.weight[5, 8]\n"
            "posterior.mean.bias[5]\n"
            "posterior.variance.weight[5, 8]\n"
            "posterior.variance.bias[5]\n"
            "start.weight[8, 13]\n"
            "start.bias[8]\n"
            "decoder.weight_ih[24, 22]\n"
            "decoder.weight_hh[24, 8]\n"
            "decoder.bias_ih[24]\n"
            "decoder.bias_hh[24]\n"
            "output.weight[60, 8]\n"
            "output.bias[60]\n");
}

}  // namespace
}  // namespace banter::models
