// The equations of the stack, and what must not leak from one part of it into another.

#include <algorithm>
#include <string>
#include <vector>

#include "models/draft.h"
#include "models/stack_propagation.h"
#include "tests/models/plain_consistency.h"
#include "tests/models/tiny_stack.h"

namespace banter::models {
namespace {

// ---- equations --------------------------------------------------------------------------------

TEST_F(StackTest, ScoresAreTheEquations) {
  for (const std::string options :
       {"", "positions: rope\nd2_persona: self_attended\ntied: false\n",
        "norm: post\nd2_self: none\nd2_shared_cross: true\nd2_ffn: last\nshare_embeddings: false\n",
        "positions: learned\nmax_positions: 4\nembedding_norm: true\nd2_ffn: last\n",
        "preset: paper\n", "preset: released_code\nnorm: post\n"}) {
    const auto m = moved_model(options);
    const torch::NoGradGuard no_grad;
    const auto context = tiny_contexts({3}, /*seed=*/7, /*facts=*/2)[0];
    auto labels = context.reply;
    labels.push_back(data::SpecialIds{}.eos);
    const auto inputs = inputs_of(context.reply);
    const PlainConsistency plain(*m, m->options);
    const auto batch = tiny_batch({context});
    const bool is_open = m->passes() == 2;

    auto r1 = plain.drafted(context, inputs);
    const auto further = m->further_scores(batch);
    const auto ppl_d1 = plain.log_probs_of(r1, "output", "draft_", labels);
    EXPECT_EQ(further.at(0).first, "ppl_d1");
    EXPECT_TRUE(torch::allclose(further[0].second.log_probs[0], ppl_d1, kExact, kExact)) << options;
    if (is_open) {
      const auto all =
          plain.consistent(context, inputs, r1, [&](std::size_t) { return r1.size(); });
      EXPECT_EQ(further.at(1).first, "d2_reconstruction");
      EXPECT_TRUE(torch::allclose(
          further[1].second.log_probs[0],
          plain.log_probs_of(all, "consistency_output", "consistency_", labels), kExact, kExact))
          << options;
      const auto draft = greedy_draft(
          *m, m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker),
          m->options.max_draft_tokens);
      std::vector<data::TokenId> own;
      for (std::int64_t t = 0; t < draft.inputs.size(1); ++t)
        own.push_back(draft.inputs[0][t].item<std::int64_t>());
      r1 = plain.drafted(context, own);
    }
    const auto r2 = plain.consistent(context, inputs, r1,
                                     [&](std::size_t t) { return is_open ? r1.size() : t + 1; });
    const auto expected = plain.log_probs_of(r2, "consistency_output", "consistency_", labels);
    const auto scored = m->score(batch, false).log_probs[0];
    EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact))
        << options << (scored - expected).abs().max();
  }
}

/// A draft is what greedy decoding by D1 says: its most probable token, specials passed over.
TEST_F(StackTest, TheOwnDraftIsD1sMostProbableReply) {
  const auto m = moved_model(kOpen);
  const torch::NoGradGuard no_grad;
  const auto contexts = tiny_contexts({3, 1}, /*seed=*/5, /*facts=*/1);
  const auto batch = tiny_batch(contexts);
  constexpr std::int64_t kMost = 6;
  const auto draft = greedy_draft(
      *m, m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker),
      kMost);
  EXPECT_TRUE(draft.keep.select(1, 0).all().item<bool>());
  const PlainConsistency plain(*m, m->options);
  const data::SpecialIds special;
  for (std::int64_t b = 0; b < 2; ++b) {
    const auto& context = contexts[batch.examples[static_cast<std::size_t>(b)].dialogue];
    std::vector<data::TokenId> inputs = {special.bos};
    for (std::int64_t t = 0; t < kMost; ++t) {
      auto logits = plain.p("embedding.token.weight").mv(plain.drafted(context, inputs).back()) +
                    plain.p("output.bias");
      for (data::TokenId id = 0; id < special.count(); ++id)
        if (id != special.eos || t == 0) logits[id] = -1e9;
      const auto id = logits.argmax().item<std::int64_t>();
      if (id == special.eos) break;
      inputs.push_back(id);
    }
    const auto length = static_cast<std::int64_t>(inputs.size());
    EXPECT_EQ(draft.keep[b].sum().item<std::int64_t>(), length);
    EXPECT_TRUE(draft.inputs[b].narrow(0, 0, length).equal(torch::tensor(inputs)));
  }
}

// ---- what D2 sees -----------------------------------------------------------------------------

/// Everything but the draft's states may change in the context: D2 has no other way to see it.
TEST_F(StackTest, D2SeesTheQueryThroughR1Alone) {
  const auto m = moved_model(kOpen);
  const torch::NoGradGuard no_grad;
  auto context = tiny_contexts({2}, /*seed=*/7, /*facts=*/2)[0];
  const auto refined = [&] { return memory_of(*m, tiny_batch({context})); };
  const auto before = refined();
  context.turns[1].ids = {50, 51, 52, 53, 54, 55, 56};
  const auto after = refined();
  auto with_old_r1 = after;
  const auto of_draft = 1 + 2 * static_cast<std::size_t>(m->options.consistency_layers);
  std::copy(before.parts.end() - static_cast<std::ptrdiff_t>(of_draft), before.parts.end(),
            with_old_r1.parts.end() - static_cast<std::ptrdiff_t>(of_draft));
  const auto ids = torch::tensor({30});
  const auto logits = [&](const Memory& memory) {
    return m->step(ids, memory, start_of(*m, memory, torch::zeros({1}, torch::kLong))).logits;
  };
  EXPECT_TRUE(torch::equal(logits(before), logits(with_old_r1)));
  EXPECT_FALSE(torch::allclose(logits(before), logits(after)));
}

/// The log-probabilities before a label that changes: of D2 that reads all of R1 they move, which
/// is why that reading is no likelihood; all others stay.
TEST_F(StackTest, ALaterTokenMovesAnEarlierLogitOnlyWhereAllOfR1IsRead) {
  auto before = tiny_contexts({2}, /*seed=*/7, /*facts=*/1);
  before[0].reply = {30, 31, 32, 33, 34};
  auto after = before;
  after[0].reply[3] = 40;
  const torch::NoGradGuard no_grad;
  const auto first_of = [](const Score& score) { return score.log_probs[0].narrow(0, 0, 3); };
  for (const auto& options : {std::string(), kOpen}) {
    const auto m = moved_model(options);
    const auto a = tiny_batch(before), b = tiny_batch(after);
    EXPECT_TRUE(torch::equal(first_of(m->score(a, false)), first_of(m->score(b, false))));
    const auto of_a = m->further_scores(a), of_b = m->further_scores(b);
    ASSERT_EQ(of_a.size(), options.empty() ? 1U : 2U);
    EXPECT_TRUE(torch::equal(first_of(of_a[0].second), first_of(of_b[0].second)));
    if (of_a.size() == 1) continue;
    for (std::int64_t t = 0; t < 3; ++t)
      EXPECT_NE(of_a[1].second.log_probs[0][t].item<double>(),
                of_b[1].second.log_probs[0][t].item<double>());
  }
}

// ---- options and format -----------------------------------------------------------------------

TEST_F(StackTest, TheLongestOwnDraftIsAnOption) {
  const auto batch = tiny_batch(tiny_contexts({3}, /*seed=*/7, /*facts=*/2));
  const torch::NoGradGuard no_grad;
  const auto score = [&](const std::string& most) {
    torch::manual_seed(2);
    return moved_model(kOpen + "max_draft_tokens: " + most + "\n")->score(batch, false).log_probs;
  };
  EXPECT_FALSE(torch::allclose(score("1"), score("2")));
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST_F(StackTest, ParameterNamesArePinned) {
  const std::string sizes =
      "dim: 6\nheads: 2\nffn_dim: 8\nencoder_layers: 1\ndecoder_layers: 1\nconsistency_layers: 1\n";
  const auto names = [&](const std::string& options) {
    std::vector<std::string> of_d2;
    for (const auto& parameter : tiny_model(kType + sizes + options)->named_parameters()) {
      const auto name = parameter.key().substr(0, parameter.key().rfind('.'));
      const bool is_own = name.find("embedding") != name.npos || name.find("consistency") == 0 ||
                          name == "kind" || name == "output";
      const auto part = name.substr(0, name.find_last_of('.') == name.npos || name.ends_with("norm")
                                           ? name.npos
                                           : name.find_last_of('.'));
      if (is_own && (of_d2.empty() || of_d2.back() != part)) of_d2.push_back(part);
    }
    return of_d2;
  };
  EXPECT_EQ(names(""),
            (std::vector<std::string>{
                "embedding", "kind", "output", "consistency.0.attention",
                "consistency.0.attention_norm", "consistency.0.persona_attention",
                "consistency.0.persona_attention_norm", "consistency.0.draft_attention",
                "consistency.0.draft_attention_norm", "consistency.0.persona_feed_forward",
                "consistency.0.persona_feed_forward_norm", "consistency.0.feed_forward",
                "consistency.0.feed_forward_norm", "consistency.norm", "consistency_output"}));
  EXPECT_EQ(names("share_embeddings: false\nd2_self: none\nd2_shared_cross: true\nd2_ffn: last\n"),
            (std::vector<std::string>{
                "embedding", "draft_embedding", "consistency_embedding", "kind", "output",
                "consistency.0.cross_attention", "consistency.0.cross_attention_norm",
                "consistency.0.feed_forward", "consistency.0.feed_forward_norm", "consistency.norm",
                "consistency_output"}));
}

}  // namespace
}  // namespace banter::models
