#include "models/ensemble.h"

#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/decoding/model_of.h"

namespace banter::models {
namespace {

/// The log-probabilities of a first token, and what it looked at.
StepOutput first_step(DialogueModel& model, const data::Batch& batch) {
  const auto memory =
      model.compose(model.encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  const auto state = model.start(0, memory, torch::arange(batch.replies()));
  auto output = model.step(torch::full({batch.replies()}, data::SpecialIds{}.bos, torch::kLong),
                           memory, state);
  output.logits = output.logits.log_softmax(1);
  return output;
}

constexpr const char* kHred = "{type: hred, embed_dim: 6, hidden_dim: 10}";
constexpr const char* kSeq2Seq = "{type: seq2seq, embed_dim: 4, hidden_dim: 8}";

TEST(EnsembleTest, OfOneIsTheModelItselfBitForBit) {
  const torch::NoGradGuard no_grad;
  const auto batch = tiny_batch(tiny_contexts({3, 1, 4}, /*seed=*/7, /*facts=*/2));
  for (const auto* yaml : {kHred, kSeq2Seq}) {
    const auto model = model_of(yaml);
    for (const auto& mean : Ensemble::means()) {
      Ensemble alone({model}, mean);
      EXPECT_TRUE(torch::equal(first_step(alone, batch).logits, first_step(*model, batch).logits));
      const auto theirs = model->score(batch, true), ours = alone.score(batch, true);
      EXPECT_TRUE(torch::equal(ours.log_probs, theirs.log_probs));
      EXPECT_TRUE(torch::equal(ours.attention.at(0).weights, theirs.attention.at(0).weights));
    }
  }
}

TEST(EnsembleTest, OfTheSameModelTwiceIsThatModel) {
  const torch::NoGradGuard no_grad;
  const auto batch = tiny_batch(tiny_contexts({3, 1, 4}, /*seed=*/7, /*facts=*/2));
  const auto model = model_of(kHred);
  const auto one = model->score(batch, true);
  for (const auto& mean : Ensemble::means()) {
    const auto two = Ensemble({model, model}, mean).score(batch, true);
    EXPECT_TRUE(torch::allclose(two.log_probs, one.log_probs, 1e-9, 1e-9));
    EXPECT_TRUE(torch::equal(two.correct.logical_and(batch.labels.ge(0)),
                             one.correct.logical_and(batch.labels.ge(0))));
    ASSERT_EQ(two.attention.size(), one.attention.size());
    for (std::size_t kind = 0; kind < one.attention.size(); ++kind) {
      EXPECT_EQ(two.attention[kind].name, one.attention[kind].name);
      EXPECT_TRUE(torch::allclose(two.attention[kind].weights, one.attention[kind].weights));
    }
  }
}

TEST(EnsembleTest, IsTheMeanThatIsNamed) {
  const torch::NoGradGuard no_grad;
  const auto batch = tiny_batch(tiny_contexts({3, 1, 4}, /*seed=*/7, /*facts=*/2));
  const auto a = model_of(kHred), b = model_of(kSeq2Seq);
  const auto of_a = first_step(*a, batch), of_b = first_step(*b, batch);
  Ensemble by_logs({a, b}, "log_probs"), by_probs({a, b}, "probs");
  const auto logs = first_step(by_logs, batch), probs = first_step(by_probs, batch);
  const auto geometric = (of_a.logits.exp() * of_b.logits.exp()).sqrt();
  EXPECT_TRUE(torch::allclose(logs.logits.exp(), geometric / geometric.sum(1, true)));
  EXPECT_TRUE(torch::allclose(probs.logits.exp(), (of_a.logits.exp() + of_b.logits.exp()) / 2));
  EXPECT_FALSE(torch::allclose(logs.logits, probs.logits));
  // seq2seq has a dynamic attention alone
  ASSERT_EQ(logs.attention.size(), 2U);
  EXPECT_TRUE(torch::equal(logs.attention[0].weights, of_a.attention[0].weights));
  EXPECT_TRUE(torch::allclose(logs.attention[1].weights,
                              (of_a.attention[1].weights + of_b.attention[0].weights) / 2));
}

TEST(EnsembleTest, ItsMembersWriteAStateThatIsMovedInAndNoOther) {
  const c10::InferenceMode guard;
  Ensemble both({model_of("{type: transformer, dim: 8, heads: 2, ffn_dim: 10}"), model_of(kHred)},
                "log_probs");
  const auto batch = tiny_batch(tiny_contexts({3, 1}));
  const auto memory =
      both.compose(both.encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  const auto slots = [](const State& state) {  // keys and values of the tokens that were read
    std::vector<torch::Tensor> found;
    for (const auto& part : state.rows.parts)
      if (part.dim() == 3) found.push_back(part);
    return found;
  };
  const auto ids = torch::full({2}, 30, torch::kLong);
  auto state = both.step(ids, memory, both.start(0, memory, torch::arange(2))).state;
  const auto before = slots(state).at(0).clone();
  const auto kept = both.step(ids, memory, state).state;
  EXPECT_NE(slots(kept)[0].data_ptr(), slots(state)[0].data_ptr());
  EXPECT_TRUE(torch::equal(slots(state)[0], before)) << "its caller has it still";
  std::vector<void*> places;
  for (const auto& one : slots(state)) places.push_back(one.data_ptr());
  const auto moved = both.step(ids, memory, std::move(state)).state;
  for (std::size_t i = 0; i < places.size(); ++i)
    EXPECT_EQ(slots(moved).at(i).data_ptr(), places[i]) << "copied for nobody";
  EXPECT_TRUE(torch::equal(slots(moved)[0], slots(kept)[0]));
}

TEST(EnsembleTest, RefusesWhatDoesNotGoTogether) {
  EXPECT_THROW(Ensemble({model_of("{type: stack_propagation, preset: paper}")}, "probs"),
               base::Error);
  const auto config = configs::Config::parse(kHred, "test");
  const auto other = build_model(config.root(), {kVocab + 1, data::SpecialIds{}}, 1);
  EXPECT_THROW(Ensemble({model_of(kHred), other}, "probs"), base::Error);
  EXPECT_THROW(Ensemble({}, "probs"), base::Error);
  EXPECT_THROW(Ensemble({model_of(kHred)}, "votes"), base::Error);
}

}  // namespace
}  // namespace banter::models
