// What every model of the registry must have, under each of its main options.

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/errors.h"
#include "models/checkpoint/safetensors.h"
#include "tests/models/model_test.h"
#include "tests/models/tiny_sizes.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

struct Kind {
  std::string name;
  std::string yaml;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

/// The loss that is minus the scores. None is where a reply is scored on the model's own draft,
/// which no loss is made of.
std::string scored_loss(const std::string& yaml) {
  const auto has = [&](const std::string& text) { return yaml.find(text) != std::string::npos; };
  if (type_of(yaml) != "stack_propagation" || has("consistency_layers: 0\n")) return "nll";
  return has("two_pass") || has("preset: ") ? "" : "nll_consistency";
}

/// A number added to all scores of a query changes no softmax: where positions are not turned into
/// the keys, or where there are none, the bias of the keys has no gradient.
bool has_no_gradient(const Kind& kind, const std::string& parameter) {
  const auto is_over = [&](const std::string& what) {
    return parameter.find("." + what + "_attention.") != std::string::npos;
  };
  const bool is_turned = kind.yaml.find("positions: rope") != std::string::npos &&
                         !is_over("cross") && !is_over("persona") && !is_over("draft");
  return parameter.ends_with("key.bias") && !is_turned;
}

std::vector<Kind> kinds() {
  std::vector<Kind> all = {
      {"hran", "type: hran\n"},
      {"hred_bidirectional", "type: hred\nbidirectional: true\n"},
      {"hred_bidirectional_words", "type: hred\nbidirectional: true\nword_attention: true\n"},
      {"hred_tied", "type: hred\ntied: true\n"},
      {"hred_layers", "type: hred\nlayers: 2\n"},
      {"hred_layers_static", "type: hred\nlayers: 3\nattention: static\nbidirectional: true\n"},
      {"hred_layers_gate", "type: hred\nlayers: 2\ncombine: weighted\ngate: state\n"},
      {"hran_layers", "type: hran\nlayers: 2\nbidirectional: true\n"},
      {"vhred_layers_sample", "type: vhred\nlatent_dim: 5\nlayers: 2\nlatent: sample\n"},
      {"wseq_layers", "type: wseq\nlayers: 2\n"},
      {"seq2seq_bidirectional", "type: seq2seq\nbidirectional: true\n"},
      {"seq2seq_layers", "type: seq2seq\nlayers: 2\n"},
      {"seq2seq_layers_bidirectional", "type: seq2seq\nlayers: 3\nbidirectional: true\n"},
      {"seq2seq_tied", "type: seq2seq\ntied: true\n"},
      {"vhred_bidirectional_tied", "type: vhred\nlatent_dim: 5\nbidirectional: true\ntied: true\n"},
      {"wseq_bidirectional_tied", "type: wseq\nbidirectional: true\ntied: true\n"},
      {"hran_speakers", "type: hran\nspeakers: true\n"},
      {"hred_static_words", "type: hred\nattention: static\nword_attention: true\n"},
      {"hred_static_words_context_rnn",
       "type: hred\nattention: static\nword_attention: true\ncontext_rnn: true\n"},
      {"hred_dynamic_words", "type: hred\nattention: dynamic\nword_attention: true\n"},
      {"hred_max_words", "type: hred\ncombine: max\nword_attention: true\nspeakers: true\n"},
      {"hred_weighted_words_context_rnn",
       "type: hred\ncombine: weighted\nword_attention: true\ncontext_rnn: true\n"},
      {"hred_weighted_words",
       "type: hred\ncombine: weighted\nword_attention: true\nturn_positions: learned\n"},
      {"hred_concat_words",
       "type: hred\nword_attention: true\ncontext_rnn: true\nturn_positions: sinusoidal\n"},
      {"seq2seq", "type: seq2seq\n"},
      {"seq2seq_speakers", "type: seq2seq\nspeakers: true\n"},
      {"hred_none", "type: hred\nattention: none\n"},
      {"hred_static", "type: hred\nattention: static\n"},
      {"hred_static_first", "type: hred\nattention: static\nstatic_query: first\n"},
      {"hred_dynamic", "type: hred\nattention: dynamic\n"},
      {"hred_gate_state", "type: hred\ncombine: weighted\ngate: state\n"},
      {"hred_context_rnn", "type: hred\ncontext_rnn: true\n"},
      {"hred_learned_positions", "type: hred\nturn_positions: learned\n"},
      {"hred_sinusoidal_context_rnn",
       "type: hred\nturn_positions: sinusoidal\ncontext_rnn: true\nspeakers: true\n"},
      {"vhred", "type: vhred\nlatent_dim: 5\n"},
      {"vhred_sample", "type: vhred\nlatent_dim: 5\nlatent: sample\nspeakers: true\n"},
      {"wseq", "type: wseq\n"},
      {"hred_locked", "type: hred\ndropout_kind: locked\nembedding_dropout: 0.2\n"},
      {"seq2seq_locked",
       "type: seq2seq\nlayers: 2\ndropout_kind: locked\nembedding_dropout: 0.2\n"},
      {"vhred_locked",
       "type: vhred\nlatent_dim: 5\ndropout_kind: locked\nembedding_dropout: 0.2\n"},
      {"transformer_embedding_dropout",
       "type: transformer\nembedding_dropout: 0.2\nencoder_layers: 1\ndecoder_layers: 1\n"},
      {"wseq_speakers", "type: wseq\nspeakers: true\n"},
      {"transformer", "type: transformer\nencoder_layers: 2\ndecoder_layers: 2\n"},
      {"transformer_post", "type: transformer\nnorm: post\nactivation: swish\nencoder_layers: 1\n"},
      {"transformer_learned",
       "type: transformer\npositions: learned\nposition_offset: 2\nmax_positions: 9\n"
       "embedding_norm: true\nactivation: gelu\nencoder_layers: 1\ndecoder_layers: 2\n"},
      {"transformer_rope",
       "type: transformer\npositions: rope\ntied: false\nspeakers: true\n"
       "scale_embedding: false\nencoder_layers: 1\ndecoder_layers: 1\n"},
      {"stack_propagation",
       "type: stack_propagation\nencoder_layers: 1\ndecoder_layers: 2\nconsistency_layers: 2\n"},
      {"stack_propagation_rope",
       "type: stack_propagation\npositions: rope\nd2_persona: self_attended\ntied: false\n"
       "encoder_layers: 1\ndecoder_layers: 1\nconsistency_layers: 2\n"},
      {"stack_propagation_apart",
       "type: stack_propagation\nnorm: post\nd2_self: none\nd2_shared_cross: true\nd2_ffn: last\n"
       "share_embeddings: false\nencoder_layers: 1\ndecoder_layers: 2\nconsistency_layers: 1\n"},
      {"stack_propagation_two_pass",
       "type: stack_propagation\nd2_reads_r1: open\nd2_order: two_pass\nencoder_layers: 1\n"
       "decoder_layers: 1\nconsistency_layers: 1\n"},
      {"stack_propagation_paper", "type: stack_propagation\npreset: paper\nmax_draft_tokens: 5\n"},
      {"stack_propagation_released_code",
       "type: stack_propagation\npreset: released_code\nmax_draft_tokens: 5\n"},
      {"stack_propagation_no_d2",
       "type: stack_propagation\nconsistency_layers: 0\nencoder_layers: 1\ndecoder_layers: 1\n"},
      {"recosa", "type: recosa\ndecoder_layers: 2\n"},
      {"recosa_transformer",
       "type: recosa\nencoder: transformer\npool: end\nnorm: post\nturn_layers: 2\n"
       "decoder_layers: 1\ntied: false\nspeakers: true\n"},
      {"recosa_rope", "type: recosa\npositions: rope\nencoder_layers: 2\ndecoder_layers: 1\n"},
      {"hred_transformer", "type: hred\nencoder: transformer\nheads: 3\nffn_dim: 14\n"},
      {"hred_transformer_words",
       "type: hred\nencoder: transformer\npool: end\nencoder_layers: 1\nheads: 2\nffn_dim: 14\n"
       "word_attention: true\nspeakers: true\n"},
      {"hran_transformer", "type: hran\nencoder: transformer\nencoder_layers: 1\nffn_dim: 14\n"},
      {"vhred_transformer",
       "type: vhred\nlatent_dim: 5\nencoder: transformer\npool: end\nffn_dim: 14\n"},
      {"wseq_transformer", "type: wseq\nencoder: transformer\nffn_dim: 14\ntied: true\n"},
  };
  for (const std::string combine : {"concat", "sum", "weighted", "max", "mean"})
    all.push_back({"hred_both_" + combine, "type: hred\ncombine: " + combine + "\n"});
  for (auto& kind : all) kind.yaml += sizes_of(kind.yaml);
  return all;
}

class RegistryTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { torch::manual_seed(1); }
  [[nodiscard]] ModelPtr model(std::uint64_t seed = 1) const {
    return tiny_model(GetParam().yaml, seed);
  }
};

/// Row of a context in the batch (replies are sorted by length).
std::int64_t row_of(const data::Batch& batch, std::uint64_t context) {
  for (std::size_t b = 0; b < batch.examples.size(); ++b)
    if (batch.examples[b].dialogue == context) return static_cast<std::int64_t>(b);
  throw base::Error("no such context");
}

torch::Tensor score_of(DialogueModel& model, const data::Batch& batch, std::uint64_t context) {
  const torch::NoGradGuard no_grad;
  return model.score(batch).log_probs[row_of(batch, context)];
}

TEST_P(RegistryTest, RepeatedStepsEqualTeacherForcing) {
  const auto m = model();
  const auto batch = tiny_batch(tiny_contexts({1, 4, 2, 7}, 3, /*facts=*/2));
  const torch::NoGradGuard no_grad;
  const auto forced = m->score(batch).log_probs;
  const auto stepped = scores_by_step(*m, batch);
  EXPECT_TRUE(torch::allclose(forced, stepped, kExact, kExact)) << (forced - stepped).abs().max();
}

/// Or their bound, where a reply's probability has no exact value.
TEST_P(RegistryTest, LossesAreMinusTheScores) {
  const auto m = model();
  const auto batch = tiny_batch(tiny_contexts({1, 4, 2}));
  const torch::NoGradGuard no_grad;
  const auto losses = m->losses(batch);
  ASSERT_EQ(losses.front().name, "nll");
  if (const auto bound = m->bound(batch)) {
    EXPECT_NEAR(total_loss(*m, batch).item<double>(), bound->sum().item<double>(), 1e-8);
  } else if (const auto scored = scored_loss(GetParam().yaml); !scored.empty()) {
    const auto loss = std::ranges::find(losses, scored, &LossSum::name);
    ASSERT_NE(loss, losses.end());
    EXPECT_NEAR(loss->sum.item<double>(), -m->score(batch).log_probs.sum().item<double>(), 1e-8);
  }
  const auto counts = m->loss_counts(batch);
  ASSERT_EQ(counts.size(), losses.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(counts[i].first, losses[i].name);
    EXPECT_EQ(counts[i].second, losses[i].count);
  }
}

TEST_P(RegistryTest, CompanyInABatchChangesNothing) {
  const auto m = model();
  const auto contexts = tiny_contexts({3, 1, 8, 5});
  const auto together = tiny_batch(contexts);
  for (std::uint64_t i = 0; i < contexts.size(); ++i) {
    const auto alone = score_of(*m, tiny_batch({contexts[i]}), 0);
    const auto in_company = score_of(*m, together, i).narrow(0, 0, alone.size(0));
    EXPECT_TRUE(torch::allclose(alone, in_company, kExact, kExact)) << i;
  }
}

TEST_P(RegistryTest, PaddingChangesNothing) {
  const auto m = model();
  move_parameters(*m);  // or a network that reads padding would make zeros of it
  auto batch = tiny_batch(tiny_contexts({3, 2}, 7, /*facts=*/1));  // there is some between sources
  const torch::NoGradGuard no_grad;
  const auto plain = m->score(batch).log_probs;
  const auto pad = [](const torch::Tensor& x, std::int64_t value) {
    return torch::cat({x, torch::full({x.size(0), 3}, value, x.options())}, 1);
  };
  const auto special = tiny_vocabulary().special;
  batch.turn_ids = pad(batch.turn_ids, special.pad);
  batch.turn_keep = pad(batch.turn_keep, 0);
  batch.context = pad(batch.context, -1);
  batch.facts = pad(batch.facts, -1);
  batch.decoder_input = pad(batch.decoder_input, special.pad);
  batch.labels = pad(batch.labels, -100);
  const auto padded = m->score(batch, /*with_attention=*/true);
  EXPECT_TRUE(torch::allclose(padded.log_probs.narrow(1, 0, plain.size(1)), plain, kExact, kExact));
  EXPECT_TRUE(padded.log_probs.narrow(1, plain.size(1), 3).eq(0).all().item<bool>());
}

TEST_P(RegistryTest, ALaterLabelChangesNothingBefore) {
  const auto m = model();
  auto contexts = tiny_contexts({3});
  contexts[0].reply = {30, 31, 32, 33, 34};
  const auto before = score_of(*m, tiny_batch(contexts), 0);
  contexts[0].reply[3] = 40;
  const auto after = score_of(*m, tiny_batch(contexts), 0);
  EXPECT_TRUE(torch::equal(before.narrow(0, 0, 3), after.narrow(0, 0, 3)));
  EXPECT_FALSE(torch::allclose(before, after));
}

TEST_P(RegistryTest, EveryTurnOfTheContextMatters) {
  const auto m = model();
  auto contexts = tiny_contexts({4}, 5, /*facts=*/1);
  const auto before = score_of(*m, tiny_batch(contexts), 0);
  for (auto* row : {&contexts[0].turns[0], &contexts[0].turns[3], &contexts[0].facts[0]}) {
    const auto old = row->ids;
    row->ids = {50, 51};
    EXPECT_FALSE(torch::allclose(before, score_of(*m, tiny_batch(contexts), 0), 0, 1e-12));
    row->ids = old;
  }
}

TEST_P(RegistryTest, AttentionSumsToOneOverTheSourcesAndIsZeroElsewhere) {
  const auto m = model();
  const auto batch = tiny_batch(tiny_contexts({1, 5, 3}, 9, /*facts=*/2));
  const torch::NoGradGuard no_grad;
  const auto sources = torch::cat({batch.facts, batch.context}, 1).ge(0).unsqueeze(1);  // (B,1,U)
  const auto labels = batch.labels.ge(0);
  const auto score = m->score(batch, true);
  const auto& name = GetParam().name;
  EXPECT_EQ(score.attention.empty(), name == "hred_none" || name.starts_with("vhred"));
  for (const auto& attention : score.attention) {
    const auto& w = attention.weights;
    ASSERT_EQ(w.size(2), sources.size(2)) << attention.name;
    EXPECT_TRUE(w.masked_select(sources.logical_not()).eq(0).all().item<bool>()) << attention.name;
    EXPECT_TRUE(torch::allclose(w.sum(2), labels.to(w.dtype()), kExact, kExact)) << attention.name;
  }
}

/// A reply without a turn or a fact reads zeros, not a turn that happens to stand in its batch.
TEST_P(RegistryTest, AReplyWithoutSourcesReadsNothing) {
  const auto m = model();
  const torch::NoGradGuard no_grad;
  const auto beside = [&](unsigned seed) {
    auto contexts = tiny_contexts({3, 2}, seed);
    contexts[1].reply = {30, 31};
    auto batch = tiny_batch(contexts);
    const auto b = row_of(batch, 1);
    batch.context[b].fill_(-1);
    const auto forced = m->score(batch, /*with_attention=*/true).log_probs[b].narrow(0, 0, 3);
    EXPECT_TRUE(torch::allclose(forced, scores_by_step(*m, batch)[b].narrow(0, 0, 3), kExact));
    return forced;
  };
  EXPECT_TRUE(torch::allclose(beside(1), beside(2), kExact, kExact));

  auto alone = tiny_batch(tiny_contexts({1, 2}));
  alone.context.fill_(-1);
  const auto forced = m->score(alone, /*with_attention=*/true).log_probs;
  EXPECT_TRUE(torch::allclose(forced, scores_by_step(*m, alone), kExact, kExact));
  EXPECT_TRUE(forced.isfinite().all().item<bool>());
}

TEST_P(RegistryTest, AStepGivesARowTheSameBitsAloneAndInCompany) {
  const auto m = model();
  move_parameters(*m);
  m->to(torch::kFloat);
  const c10::InferenceMode guard;
  const auto batch = tiny_batch(tiny_contexts({5}, 3, /*facts=*/2));
  const auto memory = memory_of(*m, batch);
  constexpr std::int64_t kRows = 33;  // one more than vectors of any width divide
  auto state = start_of(*m, memory, torch::zeros({kRows}, torch::kLong));
  constexpr std::int64_t kSteps = 20;
  for (std::int64_t t = 0; t < kSteps; ++t) {
    const auto ids = (torch::arange(kRows) * (t + 1)) % kVocab;
    const auto together = m->step(ids, memory, state);
    for (std::int64_t row = 0; row < kRows; ++row) {
      const auto index = torch::tensor({row});
      const auto alone = m->step(ids.narrow(0, row, 1), memory, state.select(index));
      EXPECT_TRUE(torch::equal(alone.logits, together.logits.narrow(0, row, 1))) << row;
      EXPECT_TRUE(
          torch::equal(alone.state.rows.parts[0], together.state.rows.parts[0].narrow(0, row, 1)));
      for (std::size_t kind = 0; kind < alone.attention.size(); ++kind)
        EXPECT_TRUE(torch::equal(alone.attention[kind].weights,
                                 together.attention[kind].weights.narrow(0, row, 1)));
    }
    state = together.state;
  }
}

TEST_P(RegistryTest, SavedParametersGiveTheSameModelAndAnotherSeedDoesNot) {
  const auto a = model(1), b = model(2);
  const auto batch = tiny_batch(tiny_contexts({2, 3}));
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(torch::allclose(a->score(batch).log_probs, b->score(batch).log_probs));
  const tests::TemporaryFolder folder;
  write_safetensors(folder / "model.safetensors", named_tensors(*a));
  assign(*b, read_safetensors(folder / "model.safetensors"));
  EXPECT_TRUE(torch::equal(a->score(batch).log_probs, b->score(batch).log_probs));
}

TEST_P(RegistryTest, AGradientReachesEveryParameter) {
  const auto m = model();
  m->train();
  const auto batch = tiny_batch(tiny_contexts({4, 2, 6}, 3, /*facts=*/2));
  total_loss(*m, batch).backward();
  for (const auto& parameter : m->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    if (has_no_gradient(GetParam(), parameter.key())) {
      EXPECT_LT(parameter.value().grad().abs().sum().item<double>(), kExact) << parameter.key();
      continue;
    }
    EXPECT_GT(parameter.value().grad().abs().sum().item<double>(), 0) << parameter.key();
  }
}

TEST_P(RegistryTest, GradientsEqualDifferencesOfTheLoss) {
  const auto m = model();
  const auto batch = tiny_batch(tiny_contexts({3, 2}, /*seed=*/7, /*facts=*/1));
  total_loss(*m, batch).backward();
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (const auto& parameter : m->named_parameters()) {
    auto flat = parameter.value().flatten();
    const auto place = parameter.value().grad().abs().flatten().argmax().item<std::int64_t>();
    const double value = flat[place].item<double>();
    const auto loss_at = [&](double x) {
      parameter.value().view(-1)[place].fill_(x);
      return total_loss(*m, batch).item<double>();
    };
    const double slope = (loss_at(value + kStep) - loss_at(value - kStep)) / (2 * kStep);
    loss_at(value);
    const double gradient = parameter.value().grad().flatten()[place].item<double>();
    EXPECT_NEAR(gradient, slope, 1e-5 * std::max(1.0, std::abs(slope))) << parameter.key();
  }
}

TEST_P(RegistryTest, DropoutActsInTrainingOnly) {
  const auto m = model();
  const auto batch = tiny_batch(tiny_contexts({3, 2}));
  const torch::NoGradGuard no_grad;
  const auto loss = [&] { return m->losses(batch).front().sum.item<double>(); };
  EXPECT_EQ(loss(), loss());
  m->train();
  torch::manual_seed(4);
  const double first = loss();
  EXPECT_NE(first, loss());
  torch::manual_seed(4);
  EXPECT_EQ(first, loss());
}

TEST_P(RegistryTest, UntrainedLossIsNearLogV) {
  const auto m = model();
  const auto batch = tiny_batch(tiny_contexts({3, 2, 4, 1}));
  const torch::NoGradGuard no_grad;
  const auto loss = m->losses(batch).front();
  EXPECT_NEAR(loss.sum.item<double>() / static_cast<double>(loss.count), std::log(kVocab), 0.5);
}

TEST_P(RegistryTest, MemoriesJoinAndRowsMoveWithoutChangingAnything) {
  const auto m = model();
  const torch::NoGradGuard no_grad;
  const auto contexts = tiny_contexts({2, 6}, 3, 1);
  const auto compose = [&](const data::Context& context) {
    return memory_of(*m, tiny_batch({context}));
  };
  const auto first = compose(contexts[0]), second = compose(contexts[1]);
  const Memory pool{Rows::join(first, second)};
  const auto bos = torch::full({1}, tiny_vocabulary().special.bos, torch::kLong);
  const auto ids = torch::tensor({33, 34, 35});
  const auto both = start_of(*m, pool, torch::tensor({1, 0, 1}));  // two sequences read one memory
  const auto once = m->step(bos.expand({3}), pool, both);
  const auto order = torch::tensor({2, 0, 1});
  const auto twice = m->step(ids.index_select(0, order), pool, once.state.select(order));
  for (std::int64_t row = 0; row < 3; ++row) {
    const auto& memory = row == 1 ? first : second;
    auto out = m->step(bos, memory, start_of(*m, memory, torch::zeros({1}, torch::kLong)));
    EXPECT_TRUE(torch::allclose(out.logits[0], once.logits[row], kExact, kExact));
    out = m->step(ids.narrow(0, row, 1), memory, out.state);
    const auto place = order.eq(row).nonzero().item<std::int64_t>();
    EXPECT_TRUE(torch::allclose(out.logits[0], twice.logits[place], kExact, kExact));
  }
}

INSTANTIATE_TEST_SUITE_P(EachModel, RegistryTest, testing::ValuesIn(kinds()),
                         [](const auto& kind) { return kind.param.name; });

TEST(RegistryTableTest, EveryTypeIsHeldToTheProperties) {
  std::set<std::string> tested;
  for (const auto& kind : kinds()) tested.insert(type_of(kind.yaml));
  for (const auto& type : model_types()) EXPECT_TRUE(tested.contains(type)) << type;
}

}  // namespace
}  // namespace banter::models
