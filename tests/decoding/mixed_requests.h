#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/decoding/decoder.h"
#include "tests/decoding/model_of.h"
#include "tests/models/model_test.h"

namespace banter::models {

constexpr double kFloatTolerance = 1e-4;
constexpr std::int64_t kDraftTokens = 6;  ///< of one request, and of the models below

/// Small models of every type, under the options that change how they decode.
inline auto small_models() {
  return testing::Values(
      "{type: hred, embed_dim: 6, hidden_dim: 10, attention: none}",
      "{type: hred, embed_dim: 6, hidden_dim: 10, attention: static, speakers: true}",
      "{type: hred, embed_dim: 6, hidden_dim: 10, attention: dynamic}",
      "{type: hred, embed_dim: 6, hidden_dim: 10, attention: both}",
      "{type: hred, embed_dim: 6, hidden_dim: 10, attention: both, combine: max, "
      "context_rnn: true}",
      "{type: hred, embed_dim: 6, hidden_dim: 10, attention: both, "
      "combine: weighted, turn_positions: learned}",
      "{type: seq2seq, embed_dim: 6, hidden_dim: 10}",
      "{type: hran, embed_dim: 6, hidden_dim: 10, layers: 2}",
      "{type: hred, embed_dim: 6, hidden_dim: 10, word_attention: true}",
      "{type: seq2seq, embed_dim: 6, hidden_dim: 10, bidirectional: true, layers: 2}",
      "{type: vhred, embed_dim: 6, hidden_dim: 10, latent_dim: 4}",
      "{type: wseq, embed_dim: 6, hidden_dim: 10}",
      "{type: transformer, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 2, "
      "decoder_layers: 2, tied: false}",
      "{type: transformer, dim: 8, heads: 2, ffn_dim: 10, norm: post, "
      "positions: rope, activation: swish, tied: false, speakers: true}",
      "{type: recosa, dim: 8, heads: 2, ffn_dim: 10, decoder_layers: 2, tied: false}",
      "{type: stack_propagation, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 1, "
      "decoder_layers: 1, consistency_layers: 2, tied: false}",
      "{type: stack_propagation, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 1, "
      "decoder_layers: 1, consistency_layers: 1, norm: post, positions: rope, "
      "d2_self: none, d2_ffn: last, share_embeddings: false, tied: false}",
      "{type: stack_propagation, dim: 12, heads: 2, ffn_dim: 10, encoder_layers: 1, "
      "decoder_layers: 1, consistency_layers: 1, preset: paper, tied: false, "
      "max_draft_tokens: 6}",
      "{type: stack_propagation, dim: 8, heads: 2, ffn_dim: 10, encoder_layers: 1, "
      "decoder_layers: 1, consistency_layers: 1, preset: released_code, "
      "tied: false, max_draft_tokens: 6}",
      "{type: hred, encoder: transformer, embed_dim: 8, hidden_dim: 10, ffn_dim: 6}",
      "{type: hred, embed_dim: 6, hidden_dim: 10} + {type: seq2seq, embed_dim: 4, "
      "hidden_dim: 8} + {type: hran, embed_dim: 6, hidden_dim: 10}");
}

/// One of them, in float32, whose tokens are far from equally probable.
inline ModelPtr small_model(const std::string& yaml) {
  auto model = model_of(yaml);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) parameter.mul_(2.0);
  model->to(torch::kFloat32);
  return model;
}

/// Requests of all methods, for contexts of many lengths.
inline std::vector<Request> mixed_requests(int count) {
  std::vector<Request> made;
  std::vector<int> turns;
  for (int i = 0; i < count; ++i) turns.push_back(1 + i * 5 % 7);
  auto contexts = tiny_contexts(turns, /*seed=*/11, /*facts=*/2);
  for (int i = 0; i < count; ++i) {
    auto& context = contexts[static_cast<std::size_t>(i)];
    context.facts.resize(static_cast<std::size_t>(i % 3));
    context.reply.clear();
    Request request{.number = static_cast<std::uint64_t>(i), .context = context, .options = {}};
    request.options.max_new_tokens = 6 + i % 17;
    request.options.seed = static_cast<std::uint64_t>(i);
    if (i % 3 == 1) {
      request.options.method = "beam";
      request.options.beam_size = 3;
      request.options.replies = 2;
    } else if (i % 3 == 2) {
      request.options.method = "sample";
      request.options.replies = 2;
    }
    made.push_back(std::move(request));
  }
  return made;
}

/// All of them decoded, at most `max_rows` rows at a time.
inline std::map<std::uint64_t, Replies> decode_all(DialogueModel& model, std::vector<Request> asked,
                                                   std::int64_t max_rows,
                                                   StepRecorder* recorder = nullptr) {
  std::map<std::uint64_t, Replies> answers;
  std::size_t at = 0;
  decode(
      model, {},
      {.max_rows = max_rows,
       .with_attention = true,
       .recorder = recorder,
       .with_draft = model.has_draft()},
      [&]() -> std::optional<Request> {
        if (at == asked.size()) return std::nullopt;
        return std::move(asked[at++]);
      },
      [&](Replies replies) { answers[replies.number] = std::move(replies); });
  return answers;
}

/// The same reply, by the same sums in another order.
inline void expect_near(const Reply& a, const Reply& b) {
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.finish, b.finish);
  ASSERT_EQ(a.log_probs.size(), b.log_probs.size());
  for (std::size_t t = 0; t < a.log_probs.size(); ++t)
    EXPECT_NEAR(a.log_probs[t], b.log_probs[t], kFloatTolerance);
  ASSERT_EQ(a.attention.size(), b.attention.size());
  for (std::size_t kind = 0; kind < a.attention.size(); ++kind) {
    ASSERT_EQ(a.attention[kind].weights.size(), b.attention[kind].weights.size());
    for (std::size_t t = 0; t < a.attention[kind].weights.size(); ++t) {
      const auto &x = a.attention[kind].weights[t], &y = b.attention[kind].weights[t];
      ASSERT_EQ(x.size(), y.size());
      for (std::size_t u = 0; u < x.size(); ++u) EXPECT_NEAR(x[u], y[u], kFloatTolerance);
    }
  }
}

}  // namespace banter::models
