// Decoding over the real models: what only they can get wrong together.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include "models/decoding/candidates.h"
#include "models/decoding/decoder.h"
#include "models/decoding/session.h"
#include "models/kernels/label_bounds.h"
#include "models/layers/start_parameters.h"
#include "models/seq2seq.h"
#include "tests/decoding/mixed_requests.h"
#include "tests/models/model_test.h"

namespace banter::models {
namespace {

class ModelDecodingTest : public testing::TestWithParam<const char*> {
 protected:
  ModelDecodingTest() : model_(small_model(GetParam())) {}

  std::map<std::uint64_t, Replies> decode_all(std::vector<Request> asked, std::int64_t max_rows,
                                              StepRecorder* recorder = nullptr) {
    return models::decode_all(*model_, std::move(asked), max_rows, recorder);
  }

  ModelPtr model_;
};

TEST_P(ModelDecodingTest, GivesTheSameTextAloneAndInACrowd) {
  const auto asked = mixed_requests(24);
  const auto crowd = decode_all(asked, 5);
  for (const auto& request : asked) {
    const auto alone = decode_all({request}, 1).at(request.number);
    const auto& together = crowd.at(request.number);
    ASSERT_EQ(alone.best.size(), together.best.size());
    ASSERT_EQ(alone.draft.has_value(), model_->has_draft());
    if (alone.draft) expect_near(*together.draft, *alone.draft);
    for (std::size_t i = 0; i < alone.best.size(); ++i)
      expect_near(together.best[i], alone.best[i]);
  }
}

/// A device that repeats a recording by doing the work again, on the memory that it was made for.
class Repeating : public StepRecorder {
 public:
  std::shared_ptr<void> record(const std::function<void()>& work) override {
    work();
    return std::make_shared<std::function<void()>>(work);
  }
  void repeat(void* recording) override {
    (*static_cast<std::function<void()>*>(recording))();
    ++repeated;
  }
  int repeated = 0;
};

TEST_P(ModelDecodingTest, RecordedStepsGiveTheSameBits) {
  auto asked = mixed_requests(24);
  for (auto& request : asked) request.options.with_token_attention = true;
  Repeating recorder;
  const auto plain = decode_all(asked, 5), repeated = decode_all(asked, 5, &recorder);
  EXPECT_EQ(recorder.repeated > 0, model_->has_fixed_step());
  ASSERT_EQ(plain.size(), repeated.size());
  for (const auto& [number, replies] : plain) {
    const auto& others = repeated.at(number).best;
    ASSERT_EQ(replies.best.size(), others.size());
    for (std::size_t i = 0; i < others.size(); ++i) {
      EXPECT_EQ(replies.best[i].ids, others[i].ids);
      EXPECT_EQ(replies.best[i].log_probs, others[i].log_probs);
      expect_near(others[i], replies.best[i]);
    }
  }
}

/// Operations of this name that LibTorch saw while `work` ran.
int operations(const char* name, const std::function<void()>& work) {
  static thread_local int seen = 0;
  static thread_local std::string wanted;
  seen = 0;
  wanted = name;
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(
      [](const at::RecordFunction& one) -> std::unique_ptr<at::ObserverContext> {
        if (wanted == one.name()) ++seen;
        return nullptr;
      }));
  work();
  at::removeCallback(handle);
  return seen;
}

TEST_P(ModelDecodingTest, WithoutLogProbsGreedyRepliesAreTheSame) {
  auto asked = mixed_requests(24);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto& options = asked[i].options;
    options = {.max_new_tokens = options.max_new_tokens};
    if (i % 3 == 1) options.no_repeat_ngram_size = 1;  // what is best is often forbidden
    if (i % 3 == 2) options.min_new_tokens = 5;
    if (i % 4 == 3) asked[i].prefix = {30, 31};
  }
  const auto told = decode_all(asked, 5);
  for (auto& request : asked) request.options.with_log_probs = false;
  std::map<std::uint64_t, Replies> untold;
  const auto screens = operations("banter::screen_labels", [&] { untold = decode_all(asked, 5); });
  const bool is_here = label_bound_kernels().most_rows >= 5;
  EXPECT_EQ(screens > 0, is_here && model_->step_output_layer() != nullptr);
  for (const auto& [number, replies] : told) {
    auto reply = replies.best.at(0);
    reply.log_probs.clear();
    const auto& other = untold.at(number).best.at(0);
    EXPECT_EQ(other.score, 0);
    expect_near(other, reply);
  }
  // In one step with others that ask for them.
  for (std::size_t i = 0; i < asked.size(); i += 2) asked[i].options.with_log_probs = true;
  for (const auto& [number, replies] : decode_all(asked, 5)) {
    auto expected = told.at(number).best.at(0);
    if (number % 2 != 0) expected.log_probs.clear();
    expect_near(replies.best.at(0), expected);
  }
}

TEST_P(ModelDecodingTest, CandidatesGetWhatScoringGivesEachByItself) {
  auto contexts = tiny_contexts({3, 1, 5}, /*seed=*/4, /*facts=*/2);
  contexts[1].facts.clear();
  std::vector<Candidates> asked;
  for (std::size_t c = 0; c < contexts.size(); ++c) {
    Candidates candidates{.context = contexts[c], .replies = {{}}};
    for (auto& other : tiny_contexts({1, 1, 1, 1}, /*seed=*/20U + static_cast<unsigned>(c)))
      candidates.replies.push_back(std::move(other.reply));
    asked.push_back(std::move(candidates));
  }
  asked[2].replies.clear();  // nothing to score is legal
  const auto fits = fit_candidates(*model_, {}, asked);
  ASSERT_EQ(fits.size(), asked.size());
  const torch::NoGradGuard no_grad;
  for (std::size_t c = 0; c < asked.size(); ++c) {
    ASSERT_EQ(fits[c].size(), asked[c].replies.size());
    for (std::size_t r = 0; r < fits[c].size(); ++r) {
      auto context = asked[c].context;
      context.reply = asked[c].replies[r];
      const auto score = model_->score(data::make_batch({context}, {}, data::SpecialIds{}));
      EXPECT_EQ(fits[c][r].labels, static_cast<std::int64_t>(context.reply.size()) + 1);
      EXPECT_NEAR(fits[c][r].log_prob, score.log_probs.sum().item<double>(),
                  kFloatTolerance * static_cast<double>(fits[c][r].labels));
    }
  }
}

TEST_P(ModelDecodingTest, EqualCandidatesGetEqualBits) {
  const auto contexts = tiny_contexts({4}, /*seed=*/4, /*facts=*/1);
  const auto other = tiny_contexts({1, 1, 1}, /*seed=*/9);
  Candidates candidates{.context = contexts[0], .replies = {contexts[0].reply}};
  for (const auto& one : other) candidates.replies.push_back(one.reply);
  candidates.replies.push_back(contexts[0].reply);
  const auto fits = fit_candidates(*model_, {}, std::vector{candidates}).at(0);
  EXPECT_EQ(fits.front().log_prob, fits.back().log_prob);
}

TEST_P(ModelDecodingTest, ReportsTheLogProbabilitiesThatScoringGives) {
  auto asked = mixed_requests(30);
  if (model_->passes() > 1)  // then scores are those on a greedy draft
    for (auto& request : asked) request.options = {.max_new_tokens = kDraftTokens};
  std::size_t ended = 0;
  for (const auto& [number, replies] : decode_all(asked, 6)) {
    for (const auto& reply : replies.best) {
      auto context = asked[number].context;
      context.reply = reply.ids;
      const torch::NoGradGuard no_grad;
      const auto score = model_->score(data::make_batch({context}, {}, data::SpecialIds{}), true);
      for (std::size_t t = 0; t < reply.log_probs.size(); ++t)
        EXPECT_NEAR(score.log_probs[0][static_cast<std::int64_t>(t)].item<float>(),
                    reply.log_probs[t], kFloatTolerance);
      ended += reply.finish == "eos";
      ASSERT_EQ(score.attention.size(), reply.attention.size());
      for (std::size_t kind = 0; kind < reply.attention.size(); ++kind) {
        EXPECT_EQ(score.attention[kind].name, reply.attention[kind].name);
        for (std::size_t t = 0; t < reply.log_probs.size(); ++t)
          for (std::size_t u = 0; u < reply.attention[kind].weights[t].size(); ++u)
            EXPECT_NEAR(score.attention[kind]
                            .weights[0][static_cast<std::int64_t>(t)][static_cast<std::int64_t>(u)]
                            .item<float>(),
                        reply.attention[kind].weights[t][u], kFloatTolerance);
      }
    }
  }
  EXPECT_GT(ended, 0U) << "no reply ended, so no end was compared";
}

TEST_P(ModelDecodingTest, ADraftIsAReplyOfTheDraftDecoder) {
  const auto asked = mixed_requests(12);
  for (const auto& [number, replies] : decode_all(asked, 6)) {
    if (!replies.draft) continue;
    auto context = asked[number].context;
    context.reply = replies.draft->ids;
    const torch::NoGradGuard no_grad;
    const auto further =
        model_->further_scores(data::make_batch({context}, {}, data::SpecialIds{}));
    ASSERT_EQ(further.at(0).first, "ppl_d1");
    for (std::size_t t = 0; t < replies.draft->log_probs.size(); ++t)
      EXPECT_NEAR(further[0].second.log_probs[0][static_cast<std::int64_t>(t)].item<float>(),
                  replies.draft->log_probs[t], kFloatTolerance);
  }
}

TEST_P(ModelDecodingTest, ASessionRepliesAsIfTheWholeContextWereGiven) {
  const auto context = tiny_contexts({9}, /*seed=*/3, /*facts=*/2)[0];
  ChatSession session(*model_, {});
  session.set_facts(context.facts);
  data::Context whole{.turns = {}, .facts = context.facts, .reply_speaker = 2, .reply = {}};
  for (const auto& turn : context.turns) {
    session.add_turn(turn);
    whole.turns.push_back(turn);
    Request kept{.number = 0, .context = {}, .options = {}, .composed = session.compose(2)};
    Request fresh{.number = 1, .context = whole, .options = {}};
    kept.options.max_new_tokens = fresh.options.max_new_tokens = 6;
    const auto answers = decode_all({kept, fresh}, 8);
    expect_near(answers.at(0).best[0], answers.at(1).best[0]);
  }
}

TEST_P(ModelDecodingTest, ASessionGoesOnWithAnotherPersona) {
  auto context = tiny_contexts({9}, /*seed=*/3, /*facts=*/3)[0];
  const auto first = context.facts;
  // Another one in the middle, one less, in another order, one twice, none.
  const std::vector<std::vector<data::Context::Row>> personas = {
      first,
      {first[0], {.ids = {31, 32, 33}, .speaker = 2}, first[2]},
      {first[0], first[2]},
      {first[2], first[1], first[0]},
      {first[1], first[1]},
      {}};
  ChatSession session(*model_, {});
  data::Context whole{.turns = {}, .facts = {}, .reply_speaker = 2, .reply = {}};
  for (std::size_t i = 0; i < personas.size(); ++i) {
    session.set_facts(personas[i]);
    whole.facts = personas[i];
    session.add_turn(context.turns.at(i));
    whole.turns.push_back(context.turns[i]);
    Request kept{.number = 0, .context = {}, .options = {}, .composed = session.compose(2)};
    Request fresh{.number = 1, .context = whole, .options = {}};
    kept.options.max_new_tokens = fresh.options.max_new_tokens = 6;
    const auto answers = decode_all({kept, fresh}, 8);
    expect_near(answers.at(0).best[0], answers.at(1).best[0]);
  }
}

TEST_P(ModelDecodingTest, AReplyMayBeginAConversation) {
  ChatSession session(*model_, {});
  const auto begin = [&](std::int64_t speaker) {
    auto asked = mixed_requests(1);
    asked[0].context = {};
    asked[0].composed = session.compose_nothing(speaker);
    return decode_all(std::move(asked), 1).at(0).best.at(0);
  };
  const auto said = begin(1);
  // As scored where there is a turn, but the reply does not read it.
  auto context = tiny_contexts({1})[0];
  context.reply_speaker = 1;
  context.reply = said.ids;
  auto batch = data::make_batch({context}, {}, data::SpecialIds{});
  batch.context.fill_(-1);
  const torch::NoGradGuard no_grad;
  const auto score = model_->score(batch).log_probs;
  ASSERT_FALSE(said.log_probs.empty());
  for (std::size_t t = 0; t < said.log_probs.size(); ++t)
    EXPECT_NEAR(score[0][static_cast<std::int64_t>(t)].item<float>(), said.log_probs[t],
                kFloatTolerance);
  session.add_turn({.ids = {30, 31}, .speaker = 2});
  session.compose(1);
  expect_near(begin(1), said);
}

TEST_P(ModelDecodingTest, ASessionEncodesInEvalModeAndLeavesTheModelInItsOwn) {
  const auto context = tiny_contexts({3}, /*seed=*/3)[0];
  const auto memory = [&] {
    ChatSession session(*model_, {});
    for (const auto& turn : context.turns) session.add_turn(turn);
    return session.compose(2).memory;
  };
  const auto expected = memory();
  model_->train();
  const auto composed = memory();
  EXPECT_TRUE(model_->is_training());
  for (std::size_t part = 0; part < expected.parts.size(); ++part)
    EXPECT_TRUE(torch::equal(composed.parts[part], expected.parts[part])) << part;
}

TEST_P(ModelDecodingTest, RowsOfAMemoryWithoutTheOthersPaddingGiveTheSameBits) {
  const c10::InferenceMode guard;
  const auto batch = tiny_batch(tiny_contexts({9, 2, 1}, /*seed=*/3));
  const auto memory = memory_of(*model_, batch);
  std::vector<std::int64_t> shorter;
  for (std::int64_t b = 0; b < 3; ++b)
    if (batch.examples[static_cast<std::size_t>(b)].dialogue != 0) shorter.push_back(b);
  const auto rows = torch::tensor(shorter);
  const auto narrow = model_->select_memory(memory, rows);
  const auto bos = torch::full({2}, model_->vocabulary().special.bos, torch::kLong);
  const auto wide_step = model_->step(bos, memory, start_of(*model_, memory, rows));
  const auto narrow_step = model_->step(bos, narrow, start_of(*model_, narrow, torch::arange(2)));
  EXPECT_TRUE(torch::equal(wide_step.logits, narrow_step.logits));
  EXPECT_TRUE(torch::equal(wide_step.state.rows.parts[0], narrow_step.state.rows.parts[0]));
}

INSTANTIATE_TEST_SUITE_P(Registry, ModelDecodingTest, small_models(),
                         [](const auto& which) { return "Model" + std::to_string(which.index); });

class LatentDecodingTest : public ModelDecodingTest {};

/// A drawn latent variable is a function of the request's seed and of the reply's number.
TEST_P(LatentDecodingTest, TheSeedDrawsTheLatentVariable) {
  Request request{.number = 0, .context = tiny_contexts({3})[0], .options = {}};
  request.options.max_new_tokens = 4;
  const auto first_log_prob = [&](std::uint64_t seed) {
    request.options.seed = seed;
    return decode_all({request}, 1).at(0).best.at(0).log_probs.at(0);
  };
  EXPECT_EQ(first_log_prob(1), first_log_prob(1));
  EXPECT_NE(first_log_prob(1), first_log_prob(2));
}

TEST_P(LatentDecodingTest, GivesTheSameTextAloneAndInACrowd) {
  const auto asked = mixed_requests(12);
  const auto crowd = decode_all(asked, 5);
  for (const auto& request : asked) {
    const auto alone = decode_all({request}, 1).at(request.number);
    for (std::size_t i = 0; i < alone.best.size(); ++i)
      expect_near(crowd.at(request.number).best.at(i), alone.best[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Registry, LatentDecodingTest,
    testing::Values("{type: vhred, embed_dim: 6, hidden_dim: 10, latent_dim: 4, latent: sample}"),
    [](const auto& which) { return "Model" + std::to_string(which.index); });

/// A vocabulary that puts ids around a context, as those of mBART do.
TEST(FramedDecodingTest, AReplyThatBeginsAConversationReadsTheFrameAlone) {
  auto vocabulary = tiny_vocabulary();
  auto& special = vocabulary.special;
  special.context_begin = kVocab - 1;
  special.context_end = kVocab - 2;
  const auto config = configs::Config::parse(
      "{type: transformer, dim: 8, heads: 2, ffn_dim: 10, positions: learned, tied: false}",
      "test");
  const auto model = build_model(config.root(), vocabulary, /*seed=*/5);
  model->eval();
  move_parameters(*model);

  std::optional<Request> asked = Request{.number = 0, .context = {}, .options = {}};
  asked->composed = ChatSession(*model, {}).compose_nothing(1);
  asked->options.min_new_tokens = asked->options.max_new_tokens = 5;
  Reply said;
  decode(
      *model, {}, {}, [&] { return std::exchange(asked, std::nullopt); },
      [&](Replies replies) { said = std::move(replies.best.at(0)); });
  auto context = tiny_contexts({1})[0];
  context.reply = said.ids;
  auto batch = data::make_batch({context}, {}, special);
  batch.context.fill_(-1);
  const torch::NoGradGuard no_grad;
  const auto score = model->score(batch).log_probs[0];
  ASSERT_EQ(said.log_probs.size(), 5U);
  for (std::size_t t = 0; t < said.log_probs.size(); ++t)
    EXPECT_NEAR(score[static_cast<std::int64_t>(t)].item<float>(), said.log_probs[t],
                kFloatTolerance);
}

/// Notes how many context tokens a row of the memory has room for.
class WatchedSeq2Seq : public Seq2Seq {
 public:
  using Seq2Seq::Seq2Seq;
  StepOutput step(const torch::Tensor& ids, const Memory& memory, State state) override {
    for (const auto& part : memory.parts)
      if (part.dim() == 3) widths.push_back(part.size(1));  // its keys and its values
    return Seq2Seq::step(ids, memory, std::move(state));
  }
  std::vector<std::int64_t> widths;
};

TEST(Seq2SeqDecodingTest, ALongContextLeavesNoWideMemoryBehindIt) {
  Seq2SeqOptions sizes;
  sizes.embed_dim = 6;
  sizes.hidden_dim = 10;
  WatchedSeq2Seq model(sizes, tiny_vocabulary());
  start_parameters(model, 1);
  std::vector<Request> requests;
  for (std::uint64_t i = 0; i < 12; ++i) {
    Request request{.number = i, .context = {}, .options = {}};
    request.context.turns.push_back({.ids = std::vector<data::TokenId>(i == 0 ? 90 : 5, 30)});
    request.options.min_new_tokens = request.options.max_new_tokens = i == 0 ? 3 : 9;
    requests.push_back(std::move(request));
  }
  std::size_t at = 0;
  decode(
      model, {}, {.max_rows = 2},
      [&]() -> std::optional<Request> {
        if (at == requests.size()) return std::nullopt;
        return std::move(requests[at++]);
      },
      [](const Replies&) {});
  EXPECT_EQ(model.widths.front(), 91);
  EXPECT_EQ(model.widths.back(), 6);
}

}  // namespace
}  // namespace banter::models
