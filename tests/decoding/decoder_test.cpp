#include "models/decoding/decoder.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/utf8.h"
#include "models/decoding/reply_text.h"
#include "tests/decoding/random_options.h"
#include "tests/decoding/table_model.h"
#include "tests/decoding/table_requests.h"

namespace banter::models {
namespace {

constexpr double kFloatTolerance = 1e-5;

TEST(DecodeTest, GivesARequestTheSameAloneAndInACrowd) {
  constexpr std::uint64_t kRequests = 100;
  std::vector<Request> requests;
  for (std::uint64_t key = 0; key < kRequests; ++key) requests.push_back(request(key));
  TableModel model;
  const auto crowd = decode_all(model, requests, {.max_rows = 4, .with_attention = true});
  const auto wide = decode_all(model, requests, {.max_rows = 64, .with_attention = true});
  ASSERT_EQ(crowd.size(), kRequests);
  ASSERT_EQ(wide.size(), kRequests);
  for (std::uint64_t key = 0; key < kRequests; ++key) {
    const auto alone = decode_all(model, {request(key)}, {.max_rows = 1, .with_attention = true});
    expect_equal(crowd.at(key), alone.at(key));
    expect_equal(wide.at(key), alone.at(key));
  }
}

TEST(DecodeTest, RefusesADraftOfAModelThatMakesNone) {
  TableModel model;
  EXPECT_THROW(decode_all(model, {request(0)}, {.max_rows = 4, .with_draft = true}), base::Error);
}

TEST(DecodeTest, FillsTheRowsOfFinishedReplies) {
  std::vector<Request> requests;
  std::int64_t tokens = 0;
  for (std::uint64_t key = 0; key < 40; ++key) {
    requests.push_back({.number = key, .context = context(key), .options = {}});
    requests.back().options.max_new_tokens = 1 + static_cast<std::int64_t>(key % 9);
  }
  TableModel model;
  for (const auto& [number, replies] : decode_all(model, requests, {.max_rows = 4}))
    tokens += static_cast<std::int64_t>(replies.best[0].log_probs.size());
  EXPECT_LE(*std::ranges::max_element(model.steps), 4);
  std::int64_t computed = 0, full = 0;
  for (const auto rows : model.steps) {
    computed += rows;
    full += rows == 4;
  }
  EXPECT_EQ(computed, tokens) << "a row was computed that is part of no reply";
  EXPECT_GE(full, static_cast<std::int64_t>(model.steps.size()) - 9) << "rows stood empty";
}

TEST(DecodeTest, ComposesWaitingRequestsTogether) {
  std::vector<Request> requests;
  for (std::uint64_t key = 0; key < 64; ++key)
    requests.push_back({.number = key, .context = context(key), .options = {}});
  TableModel model;
  decode_all(model, requests, {.max_rows = 64});
  EXPECT_EQ(model.compositions, std::vector<std::int64_t>{64});
}

TEST(DecodeTest, AsksAgainForRequestsBetweenSteps) {
  TableModel model;
  int asked = 0;
  std::vector<std::uint64_t> order;
  decode(
      model, {}, {.max_rows = 8},
      [&]() -> std::optional<Request> {
        ++asked;
        if (asked != 1 && asked != 4) return std::nullopt;
        Request made{
            .number = static_cast<std::uint64_t>(asked), .context = context(1), .options = {}};
        made.options.min_new_tokens = made.options.max_new_tokens = 6;
        return made;
      },
      [&](const Replies& replies) { order.push_back(replies.number); });
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 4}));
  EXPECT_TRUE(std::ranges::count(model.steps, 2)) << "the later one joined the running one";
}

TEST(DecoderTest, ADroppedRequestLeavesTheOthersAsTheyWere) {
  constexpr std::uint64_t kAll = 24;
  std::vector<Request> requests;
  for (std::uint64_t key = 0; key < kAll; ++key) requests.push_back(request(key));
  TableModel model;
  const DecodeLimits limits{.max_rows = 6, .with_attention = true};
  const auto wanted = decode_all(model, requests, limits);
  const data::BatchOptions options;
  for (const std::uint64_t every : {1, 2, 3, 5}) {
    Decoder decoder(model, options, limits);
    EXPECT_EQ(decoder.free_rows(), 6);
    for (const auto& one : requests) decoder.add(one);
    std::map<std::uint64_t, Replies> answers;
    std::uint64_t dropped = 0;
    for (std::uint64_t step = 0; !decoder.is_idle(); ++step) {
      if (step % every == 0) {  // the oldest that runs, and one that waits
        decoder.drop(dropped);
        decoder.drop(kAll - 1 - dropped);
        dropped += 3;
        const auto before = decoder.free_rows();
        decoder.drop(1000);
        EXPECT_EQ(decoder.free_rows(), before);
      }
      for (auto& replies : decoder.step()) answers[replies.number] = std::move(replies);
    }
    EXPECT_EQ(decoder.free_rows(), 6);
    EXPECT_LT(answers.size(), kAll) << "nothing was dropped in time";
    EXPECT_FALSE(answers.contains(kAll - 1)) << "it was waiting";
    for (const auto& [number, replies] : answers) expect_equal(replies, wanted.at(number));
    for (std::uint64_t key = 1; key < kAll; ++key)
      if (key % 3 != 0 && (kAll - 1 - key) % 3 != 0) {
        EXPECT_TRUE(answers.contains(key)) << key << " was not dropped";
      }
  }
}

TEST(DecoderTest, TheLastRequestMayBeDropped) {
  TableModel model;
  const data::BatchOptions options;
  Decoder decoder(model, options, {.max_rows = 4});
  decoder.add(request(2));
  (void)decoder.step();
  decoder.drop(2);
  EXPECT_TRUE(decoder.is_idle());
  EXPECT_TRUE(decoder.step().empty());
  decoder.add(request(4));
  std::map<std::uint64_t, Replies> answers;
  while (!decoder.is_idle())
    for (auto& replies : decoder.step()) answers[replies.number] = std::move(replies);
  const auto wanted = decode_all(model, {request(4)}, {});
  expect_equal(answers.at(4), wanted.at(4));
}

TEST(DecodeTest, RunsARequestThatNeedsMoreRowsThanThereAreAlone) {
  TableModel model;
  auto big = request(2);
  big.options = {.method = "beam", .beam_size = 6, .max_new_tokens = 8, .replies = 6};
  const auto answers = decode_all(model, {request(0), big, request(4)}, {.max_rows = 3});
  EXPECT_EQ(answers.at(2).best.size(), 6U);
  EXPECT_EQ(answers.size(), 3U);
}

TEST(DecodeTest, GivesTheLogProbabilitiesOfTheModel) {
  TableModel model;
  const auto wanted = request(5);
  const auto answers = decode_all(model, {request(0), wanted, request(3)}, {.max_rows = 8});
  const auto& reply = answers.at(5).best[0];

  const auto batch = data::make_batch({wanted.context}, {}, model.vocabulary().special);
  const auto memory =
      model.compose(model.encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  auto state = model.start(0, memory, torch::zeros({1}, torch::kLong));
  auto id = model.vocabulary().special.bos;
  auto ids = reply.ids;
  if (reply.finish == "eos") ids.push_back(model.vocabulary().special.eos);
  ASSERT_EQ(reply.log_probs.size(), ids.size());
  for (std::size_t t = 0; t < ids.size(); ++t) {
    auto output = model.step(torch::tensor(std::vector<std::int64_t>{id}), memory, state);
    id = ids[t];
    EXPECT_NEAR(output.logits.log_softmax(-1)[0][id].item<float>(), reply.log_probs[t],
                kFloatTolerance);
    state = output.state;
  }
}

TEST(DecodeTest, CollectsAttentionOverTheSourcesOfEachReplyAlone) {
  TableModel model;
  std::vector<Request> requests;
  for (std::uint64_t key = 0; key < 12; ++key) requests.push_back(request(key));
  const auto answers = decode_all(model, requests, {.max_rows = 5, .with_attention = true});
  for (std::uint64_t key = 0; key < 12; ++key) {
    const auto given = context(key);
    const auto sources = given.turns.size() + given.facts.size();
    EXPECT_EQ(answers.at(key).facts, static_cast<std::int64_t>(given.facts.size()));
    EXPECT_EQ(answers.at(key).turns, static_cast<std::int64_t>(given.turns.size()));
    for (const auto& reply : answers.at(key).best) {
      ASSERT_EQ(reply.attention.size(), 1U);
      EXPECT_EQ(reply.attention[0].name, "even");
      ASSERT_EQ(reply.attention[0].weights.size(), reply.log_probs.size());
      for (const auto& row : reply.attention[0].weights) {
        ASSERT_EQ(row.size(), sources);
        EXPECT_NEAR(std::accumulate(row.begin(), row.end(), 0.0), 1.0, kFloatTolerance);
      }
    }
  }
}

TEST(DecodeTest, ObeysTheLimitsOfTheModelsContext) {
  TableModel model;
  auto long_one = request(0);
  long_one.context.turns.clear();
  for (std::uint64_t i = 0; i < 9; ++i) long_one.context.turns.push_back(turn(i, 1));
  auto short_one = long_one;
  short_one.number = 1;
  short_one.context.turns.erase(short_one.context.turns.begin(), short_one.context.turns.end() - 3);
  const auto answers =
      decode_all(model, {long_one, short_one}, {.max_rows = 8}, {.max_context_turns = 3});
  expect_equal(answers.at(0), answers.at(1));
  EXPECT_EQ(answers.at(0).turns, 3);
}

TEST(DecodeTest, NamesTheReplyAndTheTokenOfBadLogits) {
  TableModel model;
  model.broken_at = 2;
  auto wanted = request(0);
  wanted.number = 17;
  wanted.options.min_new_tokens = 5;
  try {
    decode_all(model, {wanted}, {});
    FAIL() << "NaN went through";
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("reply 17: token 3"), std::string::npos)
        << error.what();
  }
}

TEST(DecodeTest, RefusesBadOptionsAndEmptyContexts) {
  TableModel model;
  auto bad = request(0);
  bad.options.temperature = 0;
  EXPECT_THROW(decode_all(model, {bad}, {}), base::ConfigError);
  EXPECT_THROW(decode_all(model, {{.number = 0, .context = {}, .options = {}}}, {}),
               base::DataError);
  EXPECT_THROW(decode_all(model, {request(0)}, {.max_rows = 0}), base::ConfigError);
}

TEST(DecodeTest, LeavesTheModelInTheModeItWasIn) {
  TableModel model;
  model.train();
  decode_all(model, {request(0)}, {});
  EXPECT_TRUE(model.is_training());
}

TEST(DecodeTest, BeginsWithThePrefixAndReadsTheContextsTurns) {
  TableModel model;
  const auto first = data::SpecialIds{}.count();
  for (const std::uint64_t key : {4U, 5U, 6U}) {  // greedy, beam, sample
    auto asked = request(key);
    asked.prefix = {first + 3, first + 5};
    asked.options.max_new_tokens = 8;
    asked.options.context_no_repeat_ngram_size = 1;
    std::vector<data::TokenId> said;
    for (const auto& turn : asked.context.turns)
      said.insert(said.end(), turn.ids.begin(), turn.ids.end());
    const auto reply = decode_all(model, {asked}, {})[key].best.at(0);
    ASSERT_GE(reply.ids.size(), 2U);
    EXPECT_EQ(reply.ids[0], first + 3);
    EXPECT_EQ(reply.ids[1], first + 5);
    for (std::size_t i = 2; i < reply.ids.size(); ++i)
      EXPECT_FALSE(std::ranges::count(said, reply.ids[i])) << key;
  }
}

TEST(DecodeTest, SortsByARerankerThatSeesTheContext) {
  TableModel model;
  auto asked = request(6);
  asked.options.replies = 5;
  const auto by_score = decode_all(model, {asked}, {})[6].best;
  asked.reranker = [&](const data::Context& given, std::span<const Reply> replies) {
    EXPECT_EQ(given.turns.size(), asked.context.turns.size());
    std::vector<double> scores;
    for (const auto& reply : replies) scores.push_back(-reply.score);
    return scores;
  };
  const auto reversed = decode_all(model, {asked}, {})[6].best;
  ASSERT_EQ(reversed.size(), 5U);
  EXPECT_EQ(reversed.front().ids, by_score.back().ids);
  EXPECT_EQ(reversed.front().rerank_score, -by_score.back().score);

  asked.reranker = nullptr;
  asked.options.rerank = "mean_log_prob";
  EXPECT_TRUE(decode_all(model, {asked}, {})[6].best.at(0).rerank_score);
}

/// A tokenizer whose pieces are mostly bytes: what they write is seldom UTF-8.
const data::Tokenizer& byte_tokenizer() {
  static const data::Tokenizer made([] {
    data::TokenizerOptions options;
    options.vocab_size = 330;
    int left = 200;
    return data::Tokenizer::train(options, [&]() -> std::optional<std::string> {
      if (left-- == 0) return std::nullopt;
      return "hello, how are you today number " + std::to_string(left % 17) + "?";
    });
  }());
  return made;
}

/// What a request was shown of its reply.
struct Shown {
  explicit Shown(const data::Tokenizer& tokenizer) : written(tokenizer) {}
  ReplyText written;
  std::vector<data::TokenId> ids;
  std::vector<SharedAttention> attention;
  std::string text;
};

TEST(DecodeTest, TellsTheTextThatNothingCanChangeAndTheRestAtTheEnd) {
  const auto& tokenizer = byte_tokenizer();
  const auto first = tokenizer.special().count();
  TableModel model(tokenizer.vocab_size() - first);
  constexpr std::uint64_t kRequests = 400;
  std::vector<Request> requests;
  std::vector<Shown> shown(kRequests, Shown(tokenizer));
  for (std::uint64_t key = 0; key < kRequests; ++key) {
    Request made{.number = key, .context = context(key), .options = random_options(key)};
    if (key % 2 == 0) made.options.stop = {"o", "\xC3\xA4", "2 "};
    if (key % 3 == 0) made.options.block = {"h", "1"};
    if (key % 4 == 0) made.prefix = tokenizer.encode("h\xC3\xA4l");
    made.options.max_new_tokens += std::ssize(made.prefix);
    made.wording = std::make_shared<Wording>(made.options, tokenizer);
    if (key % 5 == 0)
      made.reranker = [](const data::Context&, std::span<const Reply> replies) {
        std::vector<double> last_first(replies.size());
        std::iota(last_first.begin(), last_first.end(), 0.0);
        return last_first;
      };
    const bool is_reranked =
        made.options.replies > 1 && (made.reranker || made.options.rerank != "none");
    made.on_committed = [&, key, is_reranked](const CommittedReply& committed) {
      const std::span<const data::TokenId> ids = committed.ids;
      auto& all = shown[key];
      EXPECT_FALSE(is_reranked) << "another reply may be chosen";
      EXPECT_GT(ids.size(), all.ids.size());
      EXPECT_EQ(committed.attention.size(), ids.size());
      all.attention = committed.attention;
      EXPECT_TRUE(std::ranges::equal(ids.first(all.ids.size()), all.ids)) << "it changed";
      for (const auto id : ids) EXPECT_GE(id, first) << "a control symbol";
      all.ids.assign(ids.begin(), ids.end());
      const auto piece = all.written.add(ids);
      EXPECT_FALSE(base::first_bad_utf8(piece)) << "half a character";
      all.text += piece;
    };
    requests.push_back(std::move(made));
  }
  std::size_t early = 0;
  const DecodeLimits limits{.max_rows = 8, .with_attention = true};
  for (const auto& [number, replies] : decode_all(model, std::move(requests), limits)) {
    auto& all = shown[number];
    const auto& weights = replies.best[0].attention.at(0).weights;
    for (std::size_t i = 0; i < all.attention.size(); ++i)
      EXPECT_EQ(all.attention[i]->at(0).weights, weights[i]) << number << ", token " << i;
    early += !all.text.empty();
    EXPECT_EQ(all.text + all.written.finish(replies.best[0]), text_of(replies.best[0], tokenizer))
        << number;
  }
  EXPECT_GT(early, 150U);
}

TEST(DecodeTest, TellsEachTokenOfAGreedyReplyAsItIsChosen) {
  TableModel model;
  std::vector<std::size_t> sizes;
  Request made{.number = 1, .context = context(3), .options = {}};
  made.options.min_new_tokens = made.options.max_new_tokens = 7;
  made.on_committed = [&](const CommittedReply& committed) {
    sizes.push_back(committed.ids.size());
  };
  decode_all(model, {made}, {});
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace banter::models
