// Weights of single tokens of the sources, beside those of whole sources.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/ensemble.h"
#include "models/layers/row_attention.h"
#include "models/layers/token_rows.h"
#include "tests/models/model_test.h"

namespace banter::models {
namespace {

/// Replies with two facts and with none, with turns of several lengths.
data::Batch mixed_batch() {
  auto contexts = tiny_contexts({3, 1, 5, 2}, /*seed=*/7, /*facts=*/2);
  contexts[1].facts.clear();
  contexts[3].facts.resize(1);
  return tiny_batch(contexts);
}

data::Batch::Joined stream_of(const DialogueModel& model, const data::Batch& batch) {
  return model.attended_tokens() == AttendedTokens::kOfStream
             ? batch.joined(model.vocabulary().special)
             : batch.joined();
}

/// Shapes   tokens (B,J') of a step's attention; returns (B,J), zeros for what is left out
torch::Tensor widened(const torch::Tensor& tokens, std::int64_t J) {
  return torch::constant_pad_nd(tokens, {0, J - tokens.size(1)});
}

void expect_parts_of_the_sources(DialogueModel& model, const data::Batch& batch) {
  const auto stream = stream_of(model, batch);
  const auto U = batch.facts.size(1) + batch.context.size(1);
  const auto memory = memory_of(model, batch);
  auto state = start_of(model, memory, torch::arange(batch.replies()));
  for (std::int64_t t = 0; t < batch.decoder_input.size(1); ++t) {
    auto out = model.step(batch.decoder_input.select(1, t), memory, std::move(state));
    ASSERT_FALSE(out.attention.empty());
    for (const auto& [name, weights, of_tokens] : out.attention) {
      ASSERT_TRUE(of_tokens) << name;
      const auto tokens = widened(of_tokens(), stream.ids.size(1));
      EXPECT_TRUE(tokens.ge(0).all().item<bool>()) << name;
      EXPECT_TRUE(tokens.masked_select(stream.keep.logical_not()).eq(0).all().item<bool>()) << name;
      EXPECT_TRUE(
          torch::allclose(summed_by_source(tokens, stream.source + 1, U), weights, kExact, kExact))
          << name << " at token " << t;
      EXPECT_TRUE(torch::allclose(tokens.sum(1), weights.sum(1), kExact, kExact)) << name;
    }
    state = std::move(out.state);
  }
}

class TokenAttentionTest : public testing::TestWithParam<const char*> {};

TEST_P(TokenAttentionTest, ASourcesTokensAddUpToItsWeight) {
  const torch::NoGradGuard no_grad;
  const auto model = tiny_model(GetParam());
  move_parameters(*model);
  ASSERT_NE(model->attended_tokens(), AttendedTokens::kNone);
  expect_parts_of_the_sources(*model, mixed_batch());
}

TEST_P(TokenAttentionTest, RowsOfAMemoryHaveTheirOwn) {
  const torch::NoGradGuard no_grad;
  const auto model = tiny_model(GetParam());
  move_parameters(*model);
  const auto batch = mixed_batch();
  const auto memory = memory_of(*model, batch);
  const auto bos = torch::full({3}, model->vocabulary().special.bos, torch::kLong);
  const auto rows = torch::tensor({2, 1, 2}, torch::kLong);
  const auto narrow = model->select_memory(memory, rows);
  const auto wide = model->step(bos, memory, start_of(*model, memory, rows));
  const auto alone = model->step(bos, narrow, start_of(*model, narrow, torch::arange(3)));
  for (std::size_t kind = 0; kind < wide.attention.size(); ++kind) {
    const auto one = wide.attention[kind].of_tokens(), other = alone.attention[kind].of_tokens();
    const auto J = std::max(one.size(1), other.size(1));
    EXPECT_TRUE(torch::equal(widened(one, J), widened(other, J)));
    EXPECT_TRUE(torch::equal(one[0], one[2]));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Registry, TokenAttentionTest,
    testing::Values(
        "{type: hran, embed_dim: 6, hidden_dim: 10, layers: 2}",
        "{type: hred, embed_dim: 6, hidden_dim: 10, word_attention: true}",
        "{type: hred, embed_dim: 6, hidden_dim: 10, word_attention: true, attention: static}",
        "{type: hred, embed_dim: 6, hidden_dim: 10, word_attention: true, combine: max, "
        "turn_positions: learned}",
        "{type: hred, encoder: transformer, embed_dim: 8, hidden_dim: 10, ffn_dim: 6, "
        "word_attention: true}",
        "{type: seq2seq, embed_dim: 6, hidden_dim: 10}",
        "{type: seq2seq, embed_dim: 6, hidden_dim: 10, bidirectional: true, layers: 2}",
        "{type: transformer, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 2, decoder_layers: 2}",
        "{type: transformer, dim: 8, heads: 2, ffn_dim: 10, norm: post, positions: rope}",
        "{type: stack_propagation, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 1, "
        "decoder_layers: 1, consistency_layers: 2}",
        "{type: stack_propagation, dim: 12, heads: 2, ffn_dim: 10, encoder_layers: 1, "
        "decoder_layers: 1, consistency_layers: 1, preset: paper, max_draft_tokens: 6}"),
    [](const auto& which) { return "Model" + std::to_string(which.index); });

TEST(TokenWeightsTest, ShareASourcesWeightOutAmongItsTokens) {
  const auto sources = torch::tensor({{0.25, 0.75, 0.0}, {0.0, 1.0, 0.0}}, torch::kDouble);
  const auto words = torch::tensor({{{1.0, 0.0, 0.0}, {0.5, 0.3, 0.2}, {0.0, 0.0, 0.0}},
                                    {{0.0, 0.0, 0.0}, {0.9, 0.1, 0.0}, {0.0, 0.0, 0.0}}},
                                   torch::kDouble);
  const auto index = torch::tensor(
      {{{4, -1, -1}, {7, 8, 9}, {-1, -1, -1}}, {{-1, -1, -1}, {0, 1, -1}, {-1, -1, -1}}},
      torch::kLong);
  EXPECT_TRUE(torch::allclose(
      token_weights(sources, words, index),
      torch::tensor({{0.25, 0.375, 0.225, 0.15}, {0.9, 0.1, 0.0, 0.0}}, torch::kDouble), kExact,
      kExact));
  // A reply that reads nothing.
  EXPECT_TRUE(torch::equal(token_weights(sources * 0, words * 0, torch::full_like(index, -1)),
                           torch::zeros({2, 1}, torch::kDouble)));
}

/// b_ij of the first token, by the equation, times the weight of the turn.
TEST(TokenWeightsTest, OfHranAreThoseOfItsEquation) {
  const torch::NoGradGuard no_grad;
  const auto model = tiny_model("{type: hran, embed_dim: 6, hidden_dim: 10}");
  move_parameters(*model);
  const Plain p(*model);
  const auto context = tiny_contexts({3}, /*seed=*/5, /*facts=*/1)[0];
  const auto batch = tiny_batch({context});
  const auto memory = memory_of(*model, batch);
  const auto bos = torch::full({1}, model->vocabulary().special.bos, torch::kLong);
  const auto out =
      model->step(bos, memory, start_of(*model, memory, torch::zeros({1}, torch::kLong)));
  const auto turns = out.attention.at(0).weights[0], tokens = out.attention.at(0).of_tokens()[0];

  std::vector<std::vector<torch::Tensor>> states;
  torch::Tensor last;
  for (const auto& [ids, speaker] : Plain::sources(context)) {
    std::vector<torch::Tensor> row;
    for (const auto id : ids) row.push_back(p.token(id, speaker));
    auto [of_row, vector] = p.encoded(row);
    states.push_back(of_row);
    last = vector;
  }
  const auto query = p("dynamic_words.query_weight").mv(p.tanh_of("start", last));
  std::int64_t j = 0;
  for (std::size_t u = 0; u < states.size(); ++u) {
    std::vector<torch::Tensor> e;
    for (const auto& q : states[u])
      e.push_back(
          p("dynamic_words.v").dot(torch::tanh(p("dynamic_words.memory_weight").mv(q) + query)));
    const auto b = torch::stack(e).softmax(0);
    for (std::size_t t = 0; t < states[u].size(); ++t, ++j)
      EXPECT_NEAR(
          tokens[j].item<double>(),
          (turns[static_cast<std::int64_t>(u)] * b[static_cast<std::int64_t>(t)]).item<double>(),
          kExact)
          << "token " << t << " of source " << u;
  }
  EXPECT_EQ(j, tokens.size(0));
}

TEST(TokenWeightsTest, IdsAroundTheStreamCountToTheirSources) {
  const torch::NoGradGuard no_grad;
  const auto config = configs::Config::parse(
      "{type: transformer, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 1, decoder_layers: 1}",
      "test");
  auto vocabulary = tiny_vocabulary();
  vocabulary.special.context_begin = kVocab - 2;
  vocabulary.special.context_end = kVocab - 1;
  const auto model = build_model(config.root(), vocabulary, 1);
  model->to(torch::kDouble);
  model->eval();
  const auto batch = mixed_batch();
  EXPECT_GT(stream_of(*model, batch).ids.size(1), batch.joined().ids.size(1));
  expect_parts_of_the_sources(*model, batch);
}

TEST(TokenWeightsTest, ModelsThatLookAtTurnsAsWholesHaveNone) {
  const torch::NoGradGuard no_grad;
  const auto batch = mixed_batch();
  for (const auto* yaml : {"{type: hred, embed_dim: 6, hidden_dim: 10}",
                           "{type: hred, embed_dim: 6, hidden_dim: 10, attention: none}",
                           "{type: wseq, embed_dim: 6, hidden_dim: 10}",
                           "{type: vhred, embed_dim: 6, hidden_dim: 10, latent_dim: 4}",
                           "{type: recosa, dim: 8, heads: 2, ffn_dim: 10, decoder_layers: 1}"}) {
    const auto model = tiny_model(yaml);
    EXPECT_EQ(model->attended_tokens(), AttendedTokens::kNone) << yaml;
    const auto memory = memory_of(*model, batch);
    const auto rows = torch::arange(batch.replies());
    const auto out = model->step(torch::full_like(rows, model->vocabulary().special.bos), memory,
                                 start_of(*model, memory, rows));
    for (const auto& kind : out.attention) EXPECT_FALSE(kind.of_tokens) << yaml << kind.name;
  }
}

TEST(TokenWeightsTest, OfAnEnsembleAreTheMeanWhereAllMembersHaveThem) {
  const torch::NoGradGuard no_grad;
  const auto batch = mixed_batch();
  const auto step = [&](DialogueModel& model) {
    const auto memory = memory_of(model, batch);
    const auto rows = torch::arange(batch.replies());
    return model.step(torch::full_like(rows, model.vocabulary().special.bos), memory,
                      start_of(model, memory, rows));
  };
  const auto a = tiny_model("{type: seq2seq, embed_dim: 6, hidden_dim: 10}", 1);
  const auto b = tiny_model("{type: hran, embed_dim: 6, hidden_dim: 8}", 2);
  const auto c = tiny_model("{type: hred, embed_dim: 6, hidden_dim: 8}", 3);
  Ensemble both({a, b}, "log_probs"), mixed({a, c}, "log_probs");
  EXPECT_EQ(both.attended_tokens(), AttendedTokens::kOfTurns);
  const auto mean = step(both).attention.at(0).of_tokens();
  const auto of_a = step(*a).attention.at(0).of_tokens();
  const auto of_b = step(*b).attention.at(0).of_tokens();
  EXPECT_TRUE(torch::allclose(mean, (of_a + of_b) / 2, kExact, kExact));
  expect_parts_of_the_sources(both, batch);
  EXPECT_EQ(mixed.attended_tokens(), AttendedTokens::kNone);
  for (const auto& kind : step(mixed).attention)
    EXPECT_FALSE(kind.name == "dynamic" && kind.of_tokens);
}

}  // namespace
}  // namespace banter::models
