// The properties that the equations of static and dynamic attention have.

#include "models/hred.h"

#include "models/layers/start_parameters.h"
#include "tests/models/model_test.h"

namespace banter::models {
namespace {

const std::string kSizes = "type: hred\nembed_dim: 9\nhidden_dim: 8\ndropout: 0\n";

class HredTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
};

std::shared_ptr<Hred> hred(const std::string& yaml) {
  return std::dynamic_pointer_cast<Hred>(tiny_model(kSizes + yaml));
}

torch::Tensor weights_of(const Score& score, const std::string& name) {
  for (const auto& attention : score.attention)
    if (attention.name == name) return attention.weights;
  throw base::Error("no attention named " + name);
}

void set(Hred& model, const std::string& name, const torch::Tensor& value) {
  const torch::NoGradGuard no_grad;
  model.named_parameters()[name].copy_(value);
}
void zero(Hred& model, const std::string& name) {
  set(model, name, torch::zeros_like(model.named_parameters()[name]));
}

TEST_F(HredTest, WithoutScoresWeightsAreUniform) {
  const auto m = hred("");
  zero(*m, "static_attention.v");
  zero(*m, "dynamic_attention.memory_weight");
  zero(*m, "dynamic_attention.query_weight");
  const auto batch = tiny_batch(tiny_contexts({4}));
  const torch::NoGradGuard no_grad;
  const auto score = m->score(batch, true);
  for (const std::string name : {"static", "dynamic"})
    EXPECT_TRUE(torch::allclose(weights_of(score, name),
                                torch::full_like(weights_of(score, name), 0.25), kExact, kExact));
}

TEST_F(HredTest, OneTurnMakesStaticEqualDynamic) {
  const auto m = hred("");
  const auto batch = tiny_batch(tiny_contexts({1, 1}));
  const torch::NoGradGuard no_grad;
  const auto score = m->score(batch, true);
  EXPECT_TRUE(torch::equal(weights_of(score, "static"), weights_of(score, "dynamic")));
  // c = c_t = h_1: so the four combinations that mix equal vectors are the same function
  const auto loss = [&](const std::string& combine) {
    return hred("combine: " + combine + "\n")->losses(batch).front().sum.item<double>();
  };
  EXPECT_NEAR(loss("max"), loss("mean"), 1e-9);
  EXPECT_NEAR(loss("weighted"), loss("mean"), 1e-9);
}

TEST_F(HredTest, DynamicWithoutQueryIsStaticWithoutQuery) {
  const auto m = hred("attention: both\n");
  zero(*m, "dynamic_attention.query_weight");
  zero(*m, "static_attention.query_weight");
  const auto parameters = m->named_parameters();
  set(*m, "dynamic_attention.memory_weight", parameters["static_attention.memory_weight"]);
  set(*m, "dynamic_attention.v", parameters["static_attention.v"]);
  const auto batch = tiny_batch(tiny_contexts({3, 5}));
  const torch::NoGradGuard no_grad;
  const auto score = m->score(batch, true);
  EXPECT_TRUE(
      torch::allclose(weights_of(score, "static"), weights_of(score, "dynamic"), kExact, kExact));
}

TEST_F(HredTest, StaticAttentionRunsOnceAReplyAndDynamicOnceAToken) {
  const auto m = hred("");
  const auto batch = tiny_batch(tiny_contexts({4}));
  const torch::NoGradGuard no_grad;
  const auto memory =
      m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  auto state = m->start(0, memory, torch::zeros({1}, torch::kLong));
  for (int t = 0; t < 20; ++t) state = m->step(torch::tensor({30 + t}), memory, state).state;
  EXPECT_EQ(m->static_calls(), 1);
  EXPECT_EQ(m->dynamic_calls(), 20);
}

TEST_F(HredTest, EarlierTurnsMayBePermutedWithoutPositionsOrContextRnn) {
  auto contexts = tiny_contexts({5});
  auto permuted = contexts;
  std::swap(permuted[0].turns[0], permuted[0].turns[2]);
  const torch::NoGradGuard no_grad;
  const auto moves = [&](const std::string& yaml) {
    const auto m = hred(yaml);
    const auto a = m->score(tiny_batch(contexts), false).log_probs;
    const auto b = m->score(tiny_batch(permuted), false).log_probs;
    return !torch::allclose(a, b, kExact, kExact);
  };
  EXPECT_FALSE(moves("attention: static\n"));
  EXPECT_FALSE(moves("attention: both\n"));
  EXPECT_TRUE(moves("attention: static\nturn_positions: learned\n"));
  EXPECT_TRUE(moves("attention: static\nturn_positions: sinusoidal\n"));
  EXPECT_TRUE(moves("attention: static\ncontext_rnn: true\n"));
}

TEST_F(HredTest, AFixedShareOfHalfIsTheMean) {
  const auto weighted = hred("combine: weighted\n"), mean = hred("combine: mean\n");
  const auto batch = tiny_batch(tiny_contexts({3, 6}));
  const torch::NoGradGuard no_grad;
  const auto values = mean->named_parameters();
  for (auto& parameter : weighted->named_parameters())
    if (parameter.key() != "share") parameter.value().copy_(values[parameter.key()]);
  EXPECT_TRUE(torch::allclose(weighted->score(batch, false).log_probs,
                              mean->score(batch, false).log_probs, kExact, kExact));
  set(*weighted, "share", torch::tensor(3.0));
  EXPECT_FALSE(torch::allclose(weighted->score(batch, false).log_probs,
                               mean->score(batch, false).log_probs));
}

TEST_F(HredTest, RepliesShareTheTurnsOfTheirDialogue) {
  const auto m = hred("");
  auto contexts = tiny_contexts({6});
  auto shorter = contexts[0];
  shorter.turns.pop_back();
  contexts.push_back(shorter);
  const auto batch = tiny_batch(contexts);
  EXPECT_EQ(batch.turn_ids.size(0), 6);  // not 11
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(m->encode_turns(batch).size(), 6);
}

/// One reply's label log-probabilities straight from the equations, a token and a turn at a time.
torch::Tensor by_the_equations(Hred& model, const data::Context& context) {
  const auto parameters = model.named_parameters();
  const auto p = [&](const std::string& name) { return parameters[name]; };
  const auto& o = model.options;
  const data::SpecialIds special;
  const auto gru = [&](const std::string& name, const torch::Tensor& x, const torch::Tensor& h) {
    const auto i = (p(name + ".weight_ih").mv(x) + p(name + ".bias_ih")).chunk(3);
    const auto g = (p(name + ".weight_hh").mv(h) + p(name + ".bias_hh")).chunk(3);
    const auto r = torch::sigmoid(i[0] + g[0]), z = torch::sigmoid(i[1] + g[1]);
    return (1 - z) * torch::tanh(i[2] + r * g[2]) + z * h;
  };
  const auto embedded = [&](std::int64_t id) { return p("embedding.token.weight")[id]; };
  const auto zeros = torch::zeros({o.hidden_dim}, torch::kDouble);
  std::vector<torch::Tensor> turns;
  for (const auto& turn : context.turns) {
    auto h = zeros;
    for (const auto id : turn.ids) h = gru("encoder", embedded(id), h);
    turns.push_back(gru("encoder", embedded(special.turn_end), h));
  }
  if (o.context_rnn) {
    auto g = zeros;
    for (auto& turn : turns) turn = g = gru("context_rnn", turn, g);
  }
  const auto h = torch::stack(turns);  // (U,H)
  const auto attend = [&](const std::string& name, const torch::Tensor& query) {
    std::vector<torch::Tensor> e;
    for (const auto& turn : turns)
      e.push_back(p(name + ".v")
                      .dot(torch::tanh(p(name + ".memory_weight").mv(turn) +
                                       p(name + ".query_weight").mv(query))));
    return torch::stack(e).softmax(0).matmul(h);
  };
  auto s = torch::tanh(p("start.weight").mv(turns.back()) + p("start.bias"));
  const auto c = o.has_static() ? attend("static_attention",
                                         o.static_query == "last" ? turns.back() : turns.front())
                                : turns.back();
  auto labels = context.reply;
  labels.push_back(special.eos);
  auto input = special.bos;
  std::vector<torch::Tensor> log_probs;
  for (const auto label : labels) {
    auto c_hat = c;
    if (o.has_dynamic()) {
      const auto c_t = attend("dynamic_attention", s);
      if (o.attention == "dynamic") c_hat = c_t;
      if (o.attention == "both") {
        auto share = torch::full({}, 0.5, torch::kDouble);
        if (o.combine == "weighted")
          share = torch::sigmoid(
              o.gate == "fixed" ? p("share") : p("gate.weight")[0].dot(torch::cat({c, c_t, s})));
        c_hat = o.combine == "concat" ? torch::cat({c, c_t})
                : o.combine == "sum"  ? c + c_t
                : o.combine == "max"  ? torch::maximum(c, c_t)
                                      : share * c + (1 - share) * c_t;
      }
    }
    s = gru("decoder", torch::cat({embedded(input), c_hat}), s);
    log_probs.push_back((p("output.weight").mv(s) + p("output.bias")).log_softmax(0)[label]);
    input = label;
  }
  return torch::stack(log_probs);
}

TEST_F(HredTest, ScoresAreTheEquations) {
  for (const std::string options :
       {"attention: none\n", "attention: static\n", "attention: static\nstatic_query: first\n",
        "attention: dynamic\n", "combine: concat\n", "combine: sum\n", "combine: max\n",
        "combine: mean\n", "combine: weighted\n", "combine: weighted\ngate: state\n",
        "context_rnn: true\n"}) {
    const auto m = hred(options);
    const torch::NoGradGuard no_grad;
    for (auto& parameter : m->named_parameters())  // biases and the share start at 0: move them
      parameter.value().add_(torch::randn_like(parameter.value()), 0.3);
    const auto contexts = tiny_contexts({3});
    const auto expected = by_the_equations(*m, contexts[0]);
    const auto scored = m->score(tiny_batch(contexts), false).log_probs[0];
    EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact))
        << options << (scored - expected).abs().max();
  }
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST_F(HredTest, ParameterNamesArePinned) {
  std::string names;
  for (const auto& parameter : hred("context_rnn: true\nspeakers: true\n")->named_parameters())
    names += parameter.key() + c10::str(parameter.value().sizes()) + "\n";
  EXPECT_EQ(names,
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
            "static_attention.memory_weight[8, 8]\n"
            "static_attention.query_weight[8, 8]\n"
            "static_attention.v[8]\n"
            "dynamic_attention.memory_weight[8, 8]\n"
            "dynamic_attention.query_weight[8, 8]\n"
            "dynamic_attention.v[8]\n"
            "start.weight[8, 8]\n"
            "start.bias[8]\n"
            "decoder.weight_ih[24, 25]\n"
            "decoder.weight_hh[24, 8]\n"
            "decoder.bias_ih[24]\n"
            "decoder.bias_hh[24]\n"
            "output.weight[60, 8]\n"
            "output.bias[60]\n");
}

}  // namespace
}  // namespace banter::models
