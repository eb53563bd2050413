// The equations of the models that are made of the layers of Transformers.

#include "models/transformer.h"

#include <memory>
#include <string>
#include <vector>

#include "models/recosa.h"
#include "tests/models/model_test.h"
#include "tests/models/plain_stack.h"

namespace banter::models {
namespace {

class TransformerTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
};

/// Log-probabilities of a reply whose decoder reads this memory.
torch::Tensor log_probs_of_reply(const PlainStack& plain, const data::Context& context,
                                 const Vectors& memory) {
  auto labels = context.reply;
  labels.push_back(data::SpecialIds{}.eos);
  Vectors inputs = {plain.p.token(data::SpecialIds{}.bos)};
  for (const auto id : context.reply) inputs.push_back(plain.p.token(id));
  const auto states = plain.run("decoder", inputs, /*is_scaled=*/true, &memory);
  Vectors log_probs;
  for (std::size_t t = 0; t < labels.size(); ++t)
    log_probs.push_back(plain.p.log_probs(states[t])[labels[t]]);
  return torch::stack(log_probs);
}

const std::string kTiny = "dim: 12\nheads: 2\nffn_dim: 9\ndropout: 0\ndecoder_layers: 2\n";

TEST_F(TransformerTest, ScoresAreTheEquations) {
  for (const std::string options :
       {"", "speakers: true\npositions: rope\nencoder_layers: 1\n",
        "norm: post\nactivation: swish\ntied: false\nencoder_layers: 2\n",
        "positions: learned\nposition_offset: 2\nmax_positions: 6\nembedding_norm: true\n"
        "activation: gelu\nencoder_layers: 1\n",
        "norm: post\nfinal_norm: true\nscale_embedding: false\nencoder_layers: 1\n",
        "final_norm: false\nencoder_layers: 1\n"}) {
    const auto m = std::dynamic_pointer_cast<FlatTransformer>(
        tiny_model("type: transformer\n" + kTiny + options));
    const torch::NoGradGuard no_grad;
    move_parameters(*m);
    const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/2);
    const PlainStack plain(*m, m->options);
    Vectors tokens;
    for (const auto& [ids, speaker] : Plain::sources(contexts[0]))
      for (const auto id : ids) tokens.push_back(plain.p.token(id, speaker));
    const auto memory = plain.run("encoder", tokens, /*is_scaled=*/true);
    const auto expected = log_probs_of_reply(plain, contexts[0], memory);
    const auto scored = m->score(tiny_batch(contexts), false).log_probs[0];
    EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact))
        << options << (scored - expected).abs().max();
  }
}

TEST_F(TransformerTest, ScoresOfRecosaAreTheEquations) {
  for (const std::string options :
       {"", "norm: post\nturn_layers: 2\nspeakers: true\nencoder_layers: 2\n",
        "encoder: transformer\ntied: false\n",
        "encoder: transformer\npool: end\npositions: rope\nencoder_layers: 2\n"}) {
    const auto m =
        std::dynamic_pointer_cast<Recosa>(tiny_model("type: recosa\n" + kTiny + options));
    const torch::NoGradGuard no_grad;
    move_parameters(*m);
    const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/2);
    const PlainStack plain(*m, m->options);
    Vectors turns;
    for (const auto& [ids, speaker] : Plain::sources(contexts[0])) {
      Vectors tokens;
      for (const auto id : ids) tokens.push_back(plain.p.token(id, speaker));
      if (m->options.encoder == "gru") {
        turns.push_back(plain.p.encoded(tokens).second);
      } else {
        const auto states = plain.run("encoder.stack", tokens, /*is_scaled=*/true);
        const auto pooled = m->options.pool == "end" ? states.back() : torch::stack(states).mean(0);
        turns.push_back(plain.p("encoder.out.weight").mv(pooled) + plain.p("encoder.out.bias"));
      }
    }
    const auto memory = plain.run("turns", turns, /*is_scaled=*/false);
    const auto expected = log_probs_of_reply(plain, contexts[0], memory);
    const auto scored = m->score(tiny_batch(contexts), false).log_probs[0];
    EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact))
        << options << (scored - expected).abs().max();
  }
}

TEST_F(TransformerTest, ALongContextBesideShortOnesChangesNothing) {
  auto contexts = tiny_contexts({2, 1, 3});
  contexts[1].turns[0].ids.assign(90, 30);
  const auto m = tiny_model("type: transformer\ndim: 12\nheads: 3\nffn_dim: 8\n");
  const torch::NoGradGuard no_grad;
  const auto batch = tiny_batch(contexts);
  const auto together = m->score(batch).log_probs;
  EXPECT_TRUE(torch::allclose(together, scores_by_step(*m, batch), kExact, kExact));
  for (std::size_t b = 0; b < contexts.size(); ++b) {
    const auto alone = m->score(tiny_batch({contexts[batch.examples[b].dialogue]})).log_probs[0];
    const auto row = together[static_cast<std::int64_t>(b)].narrow(0, 0, alone.size(0));
    EXPECT_TRUE(torch::allclose(alone, row, kExact, kExact)) << b;
  }
}

/// A state may go on in two ways, and each is as if the other had not been.
TEST_F(TransformerTest, AStateThatGoesOnTwiceIsNotChanged) {
  const auto m = tiny_model("type: transformer\ndim: 12\nheads: 3\nffn_dim: 8\n");
  const c10::InferenceMode guard;
  const auto batch = tiny_batch(tiny_contexts({2}));
  const auto memory =
      m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  const auto ids = [](std::int64_t id) { return torch::tensor({id}); };
  const auto begun = [&] {
    return m->step(ids(2), memory, m->start(0, memory, torch::zeros({1}, torch::kLong))).state;
  };
  const auto expected = m->step(ids(35), memory, m->step(ids(31), memory, begun()).state).logits;
  const auto shared = begun();
  const auto one = m->step(ids(31), memory, shared);
  const auto other = m->step(ids(32), memory, shared);
  EXPECT_TRUE(m->step(ids(35), memory, one.state).logits.equal(expected));
  EXPECT_FALSE(m->step(ids(35), memory, other.state).logits.equal(expected));
}

TEST_F(TransformerTest, HeadsSplitWhatTheyShare) {
  const auto batch = tiny_batch(tiny_contexts({3}));
  const auto score = [&](const std::string& heads) {
    const torch::NoGradGuard no_grad;
    return tiny_model("type: transformer\ndim: 12\nffn_dim: 8\nheads: " + heads + "\n")
        ->score(batch)
        .log_probs;
  };
  EXPECT_FALSE(torch::allclose(score("2"), score("3")));
}

TEST_F(TransformerTest, ActivationDropoutActsInTrainingOnly) {
  const auto m = tiny_model("type: transformer\n" + kTiny + "activation_dropout: 0.5\n");
  const auto batch = tiny_batch(tiny_contexts({3}));
  const torch::NoGradGuard no_grad;
  const auto loss = [&] { return m->losses(batch).front().sum.item<double>(); };
  EXPECT_EQ(loss(), loss());
  m->train();
  EXPECT_NE(loss(), loss());
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST_F(TransformerTest, ParameterNamesArePinned) {
  const std::string sizes = "dim: 6\nheads: 2\nffn_dim: 8\n";
  const auto attention = [](const std::string& name) {
    std::string names;
    for (const std::string part : {"query", "key", "value", "output"})
      names += name + "." + part + ".weight[6, 6]\n" + name + "." + part + ".bias[6]\n";
    return names + name + "_norm.weight[6]\n" + name + "_norm.bias[6]\n";
  };
  const auto feed_forward = [](const std::string& name) {
    return name + ".in.weight[8, 6]\n" + name + ".in.bias[8]\n" + name + ".out.weight[6, 8]\n" +
           name + ".out.bias[6]\n" + name + "_norm.weight[6]\n" + name + "_norm.bias[6]\n";
  };
  const auto norm = [](const std::string& name) {
    return name + ".weight[6]\n" + name + ".bias[6]\n";
  };
  const auto layer = [&](const std::string& name) {
    return attention(name + ".attention") + feed_forward(name + ".feed_forward");
  };
  const auto decoder = attention("decoder.0.attention") + attention("decoder.0.cross_attention") +
                       feed_forward("decoder.0.feed_forward") + norm("decoder.norm");
  EXPECT_EQ(names_and_shapes(*tiny_model(
                "type: transformer\nencoder_layers: 2\ndecoder_layers: 1\npositions: learned\n"
                "max_positions: 5\nposition_offset: 2\nembedding_norm: true\ntied: false\n" +
                sizes)),
            "embedding.token.weight[60, 6]\n"
            "encoder.positions.table.weight[7, 6]\n" +
                norm("encoder.embedding_norm") + layer("encoder.0") + layer("encoder.1") +
                norm("encoder.norm") + "decoder.positions.table.weight[7, 6]\n" +
                norm("decoder.embedding_norm") + decoder +
                "output.weight[60, 6]\n"
                "output.bias[60]\n");
  EXPECT_EQ(names_and_shapes(*tiny_model(
                "type: recosa\nencoder: transformer\ndecoder_layers: 1\nspeakers: true\n" + sizes)),
            "embedding.token.weight[60, 6]\n"
            "embedding.speaker.weight[9, 6]\n" +
                layer("encoder.stack.0") + norm("encoder.stack.norm") +
                "encoder.out.weight[6, 6]\n"
                "encoder.out.bias[6]\n" +
                layer("turns.0") + norm("turns.norm") + decoder + "output.bias[60]\n");
}

}  // namespace
}  // namespace banter::models
