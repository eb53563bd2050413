// The equations of the flat baseline.

#include "models/seq2seq.h"

#include <memory>

#include "tests/models/model_test.h"

namespace banter::models {
namespace {

std::shared_ptr<Seq2Seq> seq2seq(const std::string& yaml) {
  return std::dynamic_pointer_cast<Seq2Seq>(
      tiny_model("type: seq2seq\nembed_dim: 9\nhidden_dim: 8\ndropout: 0\n" + yaml));
}

/// One reply's label log-probabilities straight from the equations, a token at a time.
torch::Tensor by_the_equations(const Seq2Seq& model, const data::Context& context) {
  const Plain p(model);
  std::vector<torch::Tensor> q;
  for (const auto& [ids, speaker] : Plain::sources(context))
    for (const auto id : ids)
      q.push_back(
          p.gru("encoder", p.token(id, speaker),
                q.empty() ? torch::zeros({model.options.hidden_dim}, torch::kDouble) : q.back()));
  auto s = torch::tanh(p("start.weight").mv(q.back()) + p("start.bias"));
  auto labels = context.reply;
  labels.push_back(data::SpecialIds{}.eos);
  auto input = data::SpecialIds{}.bos;
  std::vector<torch::Tensor> log_probs;
  for (const auto label : labels) {
    s = p.gru("decoder", torch::cat({p.token(input), p.attend("attention", q, s)}), s);
    log_probs.push_back(p.log_probs(s)[label]);
    input = label;
  }
  return torch::stack(log_probs);
}

TEST(Seq2SeqTest, ScoresAreTheEquations) {
  torch::manual_seed(1);
  for (const std::string options : {"", "speakers: true\n"}) {
    const auto m = seq2seq(options);
    const torch::NoGradGuard no_grad;
    move_parameters(*m);
    const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/2);
    const auto expected = by_the_equations(*m, contexts[0]);
    const auto scored = m->score(tiny_batch(contexts), false).log_probs[0];
    EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact))
        << options << (scored - expected).abs().max();
  }
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST(Seq2SeqTest, ParameterNamesArePinned) {
  EXPECT_EQ(names_and_shapes(*seq2seq("speakers: true\n")),
            "embedding.token.weight[60, 9]\n"
            "embedding.speaker.weight[9, 9]\n"
            "encoder.weight_ih[24, 9]\n"
            "encoder.weight_hh[24, 8]\n"
            "encoder.bias_ih[24]\n"
            "encoder.bias_hh[24]\n"
            "attention.memory_weight[8, 8]\n"
            "attention.query_weight[8, 8]\n"
            "attention.v[8]\n"
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
