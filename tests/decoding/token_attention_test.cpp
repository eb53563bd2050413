// Weights of the context's single tokens, from a model's steps to replies.

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/decoding/decoder.h"
#include "models/decoding/session.h"
#include "tests/decoding/model_of.h"

namespace banter::models {
namespace {

constexpr float kFloatTolerance = 1e-4F;

std::map<std::uint64_t, Replies> decode_all(DialogueModel& model, std::vector<Request> asked,
                                            const data::BatchOptions& limits = {}) {
  std::map<std::uint64_t, Replies> answers;
  std::size_t at = 0;
  decode(
      model, limits, {.max_rows = 6, .with_attention = true},
      [&]() -> std::optional<Request> {
        if (at == asked.size()) return std::nullopt;
        return std::move(asked[at++]);
      },
      [&](Replies replies) { answers[replies.number] = std::move(replies); });
  return answers;
}

/// Requests of which every second wants the weights of tokens.
std::vector<Request> requests() {
  std::vector<Request> made;
  auto contexts = tiny_contexts({3, 1, 6, 2, 4, 7, 1, 5}, /*seed=*/11, /*facts=*/2);
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    auto& context = contexts[i];
    context.facts.resize(1 + i % 2);
    context.reply.clear();
    Request request{.number = i, .context = context, .options = {}};
    request.options.max_new_tokens = 5 + static_cast<std::int64_t>(i);
    request.options.with_token_attention = i % 2 == 0;
    if (i % 3 == 1) {
      request.options.method = "beam";
      request.options.beam_size = request.options.replies = 3;
    }
    made.push_back(std::move(request));
  }
  return made;
}

/// What the last `turns` turns and the first `facts` facts of a context hold, source by source.
std::vector<ContextToken> tokens_of(const data::Context& context, std::size_t facts,
                                    std::size_t turns) {
  auto read = context;
  read.facts.resize(facts);
  read.turns.erase(read.turns.begin(), read.turns.end() - static_cast<std::ptrdiff_t>(turns));
  std::vector<ContextToken> tokens;
  std::int64_t source = 0;
  for (const auto& [ids, speaker] : Plain::sources(read)) {
    for (const auto id : ids) tokens.push_back({.source = source, .id = id});
    ++source;
  }
  return tokens;
}

void expect_parts_of_the_sources(const Reply& reply, const std::vector<ContextToken>& tokens) {
  ASSERT_FALSE(reply.attention.empty());
  for (const auto& kind : reply.attention) {
    ASSERT_EQ(kind.tokens.size(), reply.log_probs.size()) << kind.name;
    for (std::size_t t = 0; t < kind.tokens.size(); ++t) {
      ASSERT_EQ(kind.tokens[t].size(), tokens.size());
      std::vector<float> sums(kind.weights[t].size(), 0);
      for (std::size_t j = 0; j < tokens.size(); ++j)
        sums.at(static_cast<std::size_t>(tokens[j].source)) += kind.tokens[t][j];
      for (std::size_t u = 0; u < sums.size(); ++u)
        EXPECT_NEAR(sums[u], kind.weights[t][u], kFloatTolerance) << kind.name;
      EXPECT_NEAR(std::accumulate(sums.begin(), sums.end(), 0.0F), 1, kFloatTolerance)
          << kind.name << " at token " << t;
    }
  }
}

class TokenAttentionDecodingTest : public testing::TestWithParam<const char*> {
 protected:
  TokenAttentionDecodingTest() : model_(model_of(GetParam())) { model_->to(torch::kFloat32); }
  ModelPtr model_;
};

TEST_P(TokenAttentionDecodingTest, WhoAsksGetsThemAndNobodyElseAndNoOtherReply) {
  const auto asked = requests();
  auto without = asked;
  for (auto& request : without) request.options.with_token_attention = false;
  const auto answers = decode_all(*model_, asked), plain = decode_all(*model_, without);
  for (const auto& request : asked) {
    const auto& replies = answers.at(request.number);
    const bool wants = request.options.with_token_attention;
    EXPECT_EQ(replies.tokens, wants ? tokens_of(request.context, request.context.facts.size(),
                                                request.context.turns.size())
                                    : std::vector<ContextToken>{});
    ASSERT_EQ(replies.best.size(), plain.at(request.number).best.size());
    for (std::size_t i = 0; i < replies.best.size(); ++i) {
      const auto& reply = replies.best[i];
      EXPECT_EQ(reply.log_probs, plain.at(request.number).best[i].log_probs);
      if (wants) {
        expect_parts_of_the_sources(reply, replies.tokens);
      } else {
        for (const auto& kind : reply.attention) EXPECT_TRUE(kind.tokens.empty());
      }
    }
    for (const auto& kind : replies.draft.value_or(Reply{}).attention)
      EXPECT_TRUE(kind.tokens.empty());
  }
}

TEST_P(TokenAttentionDecodingTest, AreOfWhatTheLimitsLeftOfTheContext) {
  auto request = requests().at(2);
  for (auto& turn : request.context.turns) turn.ids.resize(3, turn.ids.front());
  const auto answers =
      decode_all(*model_, {request}, {.max_context_turns = 2, .max_turn_tokens = 2});
  auto read = request.context;
  for (auto* rows : {&read.turns, &read.facts})
    for (auto& row : *rows) row.ids.resize(std::min<std::size_t>(row.ids.size(), 2));
  EXPECT_EQ(answers.at(2).tokens, tokens_of(read, 1, 2));
  expect_parts_of_the_sources(answers.at(2).best.at(0), answers.at(2).tokens);
}

TEST_P(TokenAttentionDecodingTest, ASessionTellsThemAsIfTheWholeContextWereGiven) {
  const auto context = tiny_contexts({4}, /*seed=*/3, /*facts=*/2)[0];
  ChatSession session(*model_, {});
  session.set_facts(context.facts);
  data::Context whole{.turns = {}, .facts = context.facts, .reply_speaker = 2, .reply = {}};
  for (const auto& turn : context.turns) {
    session.add_turn(turn);
    whole.turns.push_back(turn);
    EXPECT_TRUE(session.compose(2).tokens.empty()) << "nobody asked";
    Request kept{.number = 0, .context = {}, .options = {}, .composed = session.compose(2, true)};
    Request fresh{.number = 1, .context = whole, .options = {}};
    kept.options.max_new_tokens = fresh.options.max_new_tokens = 4;
    kept.options.with_token_attention = fresh.options.with_token_attention = true;
    std::vector<SharedAttention> shown;
    kept.on_committed = [&](const CommittedReply& committed) { shown = committed.attention; };
    const auto answers = decode_all(*model_, {kept, fresh});
    const auto &one = answers.at(0), &other = answers.at(1);
    EXPECT_EQ(one.tokens, other.tokens);
    expect_parts_of_the_sources(one.best.at(0), one.tokens);
    for (std::size_t kind = 0; kind < one.best[0].attention.size(); ++kind) {
      const auto &a = one.best[0].attention[kind].tokens,
                 &b = other.best.at(0).attention[kind].tokens;
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t t = 0; t < a.size(); ++t)
        for (std::size_t j = 0; j < a[t].size(); ++j)
          EXPECT_NEAR(a[t][j], b[t][j], kFloatTolerance);
      for (std::size_t t = 0; t < shown.size(); ++t) EXPECT_EQ(shown[t]->at(kind).tokens, a[t]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Registry, TokenAttentionDecodingTest,
    testing::Values("{type: hran, embed_dim: 6, hidden_dim: 10}",
                    "{type: hred, embed_dim: 6, hidden_dim: 10, word_attention: true}",
                    "{type: seq2seq, embed_dim: 6, hidden_dim: 10}",
                    "{type: transformer, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 1, "
                    "decoder_layers: 1, tied: false}",
                    "{type: stack_propagation, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 1, "
                    "decoder_layers: 1, consistency_layers: 1, tied: false}",
                    "{type: stack_propagation, dim: 12, heads: 2, ffn_dim: 10, encoder_layers: 1, "
                    "decoder_layers: 1, consistency_layers: 1, preset: paper, tied: false, "
                    "max_draft_tokens: 6}",
                    "{type: hran, embed_dim: 6, hidden_dim: 10} + {type: seq2seq, embed_dim: 4, "
                    "hidden_dim: 8}"),
    [](const auto& which) { return "Model" + std::to_string(which.index); });

TEST(TokenAttentionTest, AModelWithoutThemGivesThoseOfTurnsAlone) {
  const auto model = model_of("{type: hred, embed_dim: 6, hidden_dim: 10}");
  model->to(torch::kFloat32);
  const auto answers = decode_all(*model, requests());
  for (const auto& [number, replies] : answers) {
    EXPECT_TRUE(replies.tokens.empty());
    for (const auto& kind : replies.best.at(0).attention) {
      EXPECT_FALSE(kind.weights.empty());
      EXPECT_TRUE(kind.tokens.empty());
    }
  }
}

}  // namespace
}  // namespace banter::models
