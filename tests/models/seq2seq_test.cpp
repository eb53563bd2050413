// The equations of the flat baseline.

#include "models/seq2seq.h"

#include <memory>
#include <vector>

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
  std::vector<torch::Tensor> tokens;
  for (const auto& [ids, speaker] : Plain::sources(context))
    for (const auto id : ids) tokens.push_back(p.token(id, speaker));
  const auto [q, vector] = p.encoded(tokens);
  auto states = p.tanh_of("start", vector).split(model.options.hidden_dim);  // of each layer
  auto labels = context.reply;
  labels.push_back(data::SpecialIds{}.eos);
  auto input = data::SpecialIds{}.bos;
  std::vector<torch::Tensor> log_probs;
  for (const auto label : labels) {
    const auto c = p.attend("attention", q, states.back());
    states = p.decoded(torch::cat({p.token(input), c}), states);
    log_probs.push_back(p.log_probs(states.back())[label]);
    input = label;
  }
  return torch::stack(log_probs);
}

TEST(Seq2SeqTest, ScoresAreTheEquations) {
  torch::manual_seed(1);
  for (const std::string options : {"", "speakers: true\n", "bidirectional: true\ntied: true\n",
                                    "layers: 2\n", "layers: 3\nbidirectional: true\n"}) {
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

/// A conversation that grows turn by turn, and what the model keeps of it.
class Seq2SeqPrefixTest : public testing::Test {
 protected:
  Seq2SeqPrefixTest() : model_(seq2seq("speakers: true\n")) { move_parameters(*model_); }

  /// Adds a turn of so many tokens; returns its row.
  std::int64_t add(std::int64_t tokens, std::int64_t id, std::int64_t speaker) {
    data::Batch batch;
    batch.turn_ids = torch::full({1, tokens}, id, torch::kLong);
    batch.turn_keep = torch::ones({1, tokens}, torch::kBool);
    batch.turn_speaker = torch::full({1}, speaker, torch::kLong);
    kept_ = {Rows::join(kept_, model_->encode_turns(batch))};
    return kept_.size() - 1;
  }

  /// Composes for a reply to these rows; returns how many tokens were encoded for it.
  std::int64_t compose(const std::vector<std::int64_t>& context,
                       const std::vector<std::int64_t>& facts = {}) {
    const c10::InferenceMode guard;
    const auto row = [](const std::vector<std::int64_t>& rows) {
      return torch::tensor(rows, torch::kLong).unsqueeze(0);
    };
    const auto speaker = torch::zeros({1}, torch::kLong);
    const auto whole = model_->compose(kept_, row(context), row(facts), speaker);
    const auto before = model_->encoded_tokens();
    const auto grown = model_->compose_next(kept_, row(context), row(facts), speaker);
    EXPECT_EQ(grown.parts.size(), whole.parts.size());
    for (std::size_t part = 0; part < whole.parts.size(); ++part)
      EXPECT_TRUE(torch::allclose(grown.parts[part], whole.parts[part], kExact, kExact)) << part;
    return model_->encoded_tokens() - before;
  }

  std::shared_ptr<Seq2Seq> model_;
  Kept kept_;
};

TEST_F(Seq2SeqPrefixTest, ATurnCostsItsOwnTokensWhileTheBeginningStays) {
  const auto fact = add(2, 20, 2), a = add(3, 30, 1), b = add(5, 31, 2);
  EXPECT_EQ(compose({a}, {fact}), 5);
  EXPECT_EQ(compose({a, b}, {fact}), 5);
  EXPECT_EQ(compose({a, b}, {fact}), 0);
  const auto c = add(9, 32, 1);  // longer than all before it
  EXPECT_EQ(compose({a, b, c}, {fact}), 9);
  EXPECT_EQ(compose({b, c}, {fact}), 14) << "without its beginning it is another context";
  EXPECT_EQ(compose({a, b, c}, {fact}), 14) << "what stood behind the fact and a had another place";
  EXPECT_EQ(compose({a, c}, {fact}), 9);
}

TEST_F(Seq2SeqPrefixTest, KeptRowsMayMoveAndLeave) {
  const auto a = add(3, 30, 1), b = add(5, 31, 2), c = add(2, 32, 1);
  EXPECT_EQ(compose({b, c}), 7);
  kept_ = {kept_.select(torch::tensor({c, b}))};
  add(4, 33, 2);
  EXPECT_EQ(compose({1, 0, 2}), 4);
  EXPECT_NE(a, b);
}

TEST_F(Seq2SeqPrefixTest, ATurnThatIsSaidTwiceMayShareARow) {
  const auto a = add(3, 30, 1), b = add(5, 31, 2);
  EXPECT_EQ(compose({a}), 3);
  EXPECT_EQ(compose({a, b, a}), 8);
  EXPECT_EQ(compose({a, b, a, b}), 16) << "its row holds one of its places only";
}

TEST_F(Seq2SeqPrefixTest, ReadsNothingWhereThereIsNothing) {
  add(3, 30, 1);
  EXPECT_EQ(compose({-1, -1}), 0);
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
