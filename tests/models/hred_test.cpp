// The properties that the equations of static and dynamic attention have.

#include "models/hred.h"

#include <cmath>
#include <sstream>

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

/// The vector of a turn's distance, written out.
torch::Tensor position(const Plain& p, const HredOptions& o, std::int64_t distance) {
  if (o.turn_positions == "learned") return p("positions.weight")[distance];
  auto vector = torch::empty({o.hidden_dim}, torch::kDouble);
  for (std::int64_t i = 0; i < o.hidden_dim; ++i) {
    const auto pair = static_cast<double>(i / 2 * 2) / static_cast<double>(o.hidden_dim);
    const auto angle = static_cast<double>(distance) / std::pow(10000.0, pair);
    vector[i] = i % 2 == 0 ? std::sin(angle) : std::cos(angle);
  }
  return vector;
}

/// The attended vectors made of a context's h_i or r_i: through the context RNN, with positions.
std::vector<torch::Tensor> read_turns(const Plain& p, const HredOptions& o,
                                      std::vector<torch::Tensor> turns) {
  auto g = torch::zeros({o.hidden_dim}, torch::kDouble);
  for (std::size_t u = 0; u < turns.size(); ++u) {
    if (o.context_rnn) turns[u] = g = p.gru("context_rnn", turns[u], g);
    if (o.turn_positions != "none")
      turns[u] = turns[u] + position(p, o, static_cast<std::int64_t>(turns.size() - 1 - u));
  }
  return turns;
}

/// One reply's label log-probabilities straight from the equations, a token and a turn at a time.
torch::Tensor by_the_equations(const Hred& model, const data::Context& context) {
  const Plain p(model);
  const auto& o = model.options;
  std::vector<std::vector<torch::Tensor>> words;  // the states of each turn's tokens
  std::vector<torch::Tensor> turns;
  for (const auto& [ids, speaker] : Plain::sources(context)) {
    std::vector<torch::Tensor> row;
    for (const auto id : ids) row.push_back(p.token(id, speaker));
    const auto [tokens, vector] = p.encoded(row);
    words.push_back(tokens);
    turns.push_back(vector);
  }
  if (!o.word_attention) turns = read_turns(p, o, turns);
  const auto attended = [&](const std::string& kind, const torch::Tensor& query) {
    auto rows = turns;
    if (o.word_attention) {
      for (std::size_t u = 0; u < rows.size(); ++u)
        rows[u] = p.attend(kind + "_words", words[u], query);
      rows = read_turns(p, o, rows);
    }
    return p.attend(kind + "_attention", rows, query);
  };

  auto states = p.tanh_of("start", turns.back()).split(o.hidden_dim);  // of each layer
  const auto c = o.has_static()
                     ? attended("static", o.static_query == "last" ? turns.back() : turns.front())
                     : turns.back();
  auto labels = context.reply;
  labels.push_back(data::SpecialIds{}.eos);
  auto input = data::SpecialIds{}.bos;
  std::vector<torch::Tensor> log_probs;
  for (const auto label : labels) {
    const auto s = states.back();
    auto c_hat = c;
    if (o.has_dynamic()) {
      const auto c_t = attended("dynamic", s);
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
    states = p.decoded(torch::cat({p.token(input), c_hat}), states);
    log_probs.push_back(p.log_probs(states.back())[label]);
    input = label;
  }
  return torch::stack(log_probs);
}

TEST_F(HredTest, ScoresAreTheEquations) {
  for (const std::string options :
       {"attention: none\n",
        "attention: static\n",
        "attention: static\nstatic_query: first\n",
        "attention: dynamic\n",
        "combine: concat\n",
        "combine: sum\n",
        "combine: max\n",
        "combine: mean\n",
        "combine: weighted\n",
        "combine: weighted\ngate: state\n",
        "context_rnn: true\n",
        "turn_positions: learned\n",
        "turn_positions: sinusoidal\n",
        "context_rnn: true\nturn_positions: sinusoidal\nspeakers: true\n",
        "layers: 3\n",
        "layers: 2\nattention: static\n",
        "layers: 2\nbidirectional: true\nword_attention: true\ncombine: max\n",
        "bidirectional: true\n",
        "tied: true\n",
        "bidirectional: true\ntied: true\nword_attention: true\n",
        "attention: static\nword_attention: true\n",
        "attention: static\nword_attention: true\nstatic_query: first\ncontext_rnn: true\n",
        "attention: dynamic\nword_attention: true\n",
        "attention: dynamic\nword_attention: true\ncontext_rnn: true\n",
        "combine: weighted\nword_attention: true\ncontext_rnn: true\n",
        "combine: concat\nword_attention: true\n",
        "combine: mean\nword_attention: true\ncontext_rnn: true\nturn_positions: learned\n",
        "combine: weighted\ngate: state\nword_attention: true\nspeakers: true\n"}) {
    const auto m = hred(options);
    const torch::NoGradGuard no_grad;
    move_parameters(*m);
    const auto contexts = tiny_contexts({3}, /*seed=*/7, /*facts=*/2);
    const auto expected = by_the_equations(*m, contexts[0]);
    const auto scored = m->score(tiny_batch(contexts), false).log_probs[0];
    EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact))
        << options << (scored - expected).abs().max();
  }
}

TEST_F(HredTest, HranIsDynamicAttentionOverWordsWithAContextRnn) {
  const auto hran = tiny_model("type: hran\nembed_dim: 9\nhidden_dim: 8\ndropout: 0\n");
  const auto same = hred("attention: dynamic\nword_attention: true\ncontext_rnn: true\n");
  EXPECT_EQ(names_and_shapes(*hran), names_and_shapes(*same));
  const auto batch = tiny_batch(tiny_contexts({3, 5}));
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(hran->score(batch).log_probs, same->score(batch, false).log_probs));
}

/// The table is one parameter that both ends read, whatever moves it.
TEST_F(HredTest, TiedTheOutputReadsTheEmbeddingsTable) {
  const auto model = [](const std::string& sizes) {
    return tiny_model("type: hred\ndropout: 0\ntied: true\n" + sizes);
  };
  const auto equal = model("embed_dim: 8\nhidden_dim: 8\n");  // in double precision by now
  EXPECT_EQ(names_and_shapes(*equal).find("output.weight"), std::string::npos);
  EXPECT_EQ(names_and_shapes(*equal).find("output.project"), std::string::npos);
  EXPECT_NE(names_and_shapes(*model("embed_dim: 9\nhidden_dim: 8\n"))
                .find("output.bias[60]\noutput.project.weight[9, 8]"),
            std::string::npos);

  const torch::NoGradGuard no_grad;
  auto contexts = tiny_contexts({2});
  contexts[0].reply = {30};
  const auto batch = tiny_batch(contexts);
  const auto first_label = [&] { return equal->score(batch).log_probs[0][0].item<double>(); };
  const double before = first_label();
  auto table = equal->named_parameters()["embedding.token.weight"];
  const auto unread = torch::tensor({std::int64_t{59}});  // in no turn: only the output reads it
  table.index_fill_(0, unread, 3.0);
  EXPECT_NE(first_label(), before);
}

/// What a session keeps of a turn is then the states of its tokens.
TEST_F(HredTest, WordAttentionKeepsTheStatesOfTheTokens) {
  const auto batch = tiny_batch(tiny_contexts({4}));
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(hred("")->encode_turns(batch).parts.size(), 1);
  const auto kept = hred("word_attention: true\n")->encode_turns(batch);
  EXPECT_TRUE(torch::equal(kept.parts.at(2), batch.turn_keep));
  for (std::int64_t m = 0; m < 4; ++m) {
    const auto last = batch.turn_keep[m].sum().item<std::int64_t>() - 1;
    EXPECT_TRUE(torch::equal(kept.parts.at(1)[m][last], kept.parts.at(0)[m]));
  }
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST_F(HredTest, ParameterNamesArePinned) {
  EXPECT_EQ(names_and_shapes(*hred("context_rnn: true\nspeakers: true\n")),
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
  // What a form has that its neighbour has not.
  const auto added = [](const std::string& form, const std::string& neighbour) {
    const auto known = names_and_shapes(*hred(neighbour));
    std::string more;
    std::istringstream all(names_and_shapes(*hred(form)));
    for (std::string line; std::getline(all, line);)
      if (known.find(line + "\n") == std::string::npos) more += line + "\n";
    return more;
  };
  EXPECT_EQ(added("combine: weighted\n", "combine: mean\n"), "share[]\n");
  EXPECT_EQ(added("combine: weighted\ngate: state\n", "combine: mean\n"), "gate.weight[1, 24]\n");
  EXPECT_EQ(added("turn_positions: learned\n", ""), "positions.weight[64, 8]\n");
  EXPECT_EQ(added("turn_positions: sinusoidal\n", ""), "");
  EXPECT_EQ(added("bidirectional: true\n", ""),
            "encoder.backward.weight_ih[24, 9]\n"
            "encoder.backward.weight_hh[24, 8]\n"
            "encoder.backward.bias_ih[24]\n"
            "encoder.backward.bias_hh[24]\n"
            "encoder.join.weight[8, 16]\n"
            "encoder.join.bias[8]\n");
  EXPECT_EQ(added("layers: 2\n", ""),
            "encoder.upper.weight_ih[24, 8]\n"
            "encoder.upper.weight_hh[24, 8]\n"
            "encoder.upper.bias_ih[24]\n"
            "encoder.upper.bias_hh[24]\n"
            "start.weight[16, 8]\n"
            "start.bias[16]\n"
            "decoder.upper.weight_ih[24, 8]\n"
            "decoder.upper.weight_hh[24, 8]\n"
            "decoder.upper.bias_ih[24]\n"
            "decoder.upper.bias_hh[24]\n");
  EXPECT_EQ(added("word_attention: true\n", ""),
            "static_words.memory_weight[8, 8]\n"
            "static_words.query_weight[8, 8]\n"
            "static_words.v[8]\n"
            "dynamic_words.memory_weight[8, 8]\n"
            "dynamic_words.query_weight[8, 8]\n"
            "dynamic_words.v[8]\n");
  EXPECT_EQ(added("attention: none\n", "attention: static\n"),
            "context_rnn.weight_ih[24, 8]\n"
            "context_rnn.weight_hh[24, 8]\n"
            "context_rnn.bias_ih[24]\n"
            "context_rnn.bias_hh[24]\n");
}

}  // namespace
}  // namespace banter::models
