// What a model looked at, told in the numbers and texts of a conversation.
#include "serve/sessions/reply_view.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/serve/sessions/small_model.h"

namespace banter::serve {
namespace {

using Kind = SourceWeight::Kind;

/// The ids of a text as a turn of a context, and its mark.
std::vector<data::TokenId> turn_of(const data::Tokenizer& tokenizer, const std::string& text) {
  auto ids = tokenizer.encode(text);
  ids.push_back(tokenizer.special().turn_end);
  return ids;
}

/// A context of one fact and two turns, by tokens.
class ReplyViewTest : public testing::Test {
 protected:
  ReplyViewTest() : tokenizer_(small_tokenizer()) {
    for (const auto* text : {"i have", "do you like", "yes \xC3\xA4h"}) {
      auto ids = turn_of(*tokenizer_, text);
      if (texts_.empty()) ids.insert(ids.begin(), tokenizer_->special().persona);
      for (const auto id : ids)
        tokens_.push_back({.source = static_cast<std::int64_t>(texts_.size()), .id = id});
      texts_.emplace_back(text);
    }
  }

  [[nodiscard]] ReplySources sources() const {
    return {.turns = kTurns, .facts = 1, .tokens = tokens_};
  }
  /// Weights of one token of a reply: `of` of each token.
  template <typename Of>
  [[nodiscard]] models::ReplyAttention attention(std::string name, const Of& of) const {
    std::vector<float> weights(texts_.size(), 0), tokens;
    for (std::size_t j = 0; j < tokens_.size(); ++j) {
      tokens.push_back(of(j));
      weights[static_cast<std::size_t>(tokens_[j].source)] += of(j);
    }
    return {.name = std::move(name), .weights = {weights}, .tokens = {tokens}};
  }

  static constexpr std::int64_t kTurns[] = {2, 3, 4};  // of which the last two are read
  std::shared_ptr<const data::Tokenizer> tokenizer_;
  std::vector<std::string> texts_;
  std::vector<models::ContextToken> tokens_;
};

TEST_F(ReplyViewTest, TokensSayWhereTheyStandInTheTextOfTheirSource) {
  models::Reply reply;
  const auto n = static_cast<float>(tokens_.size());
  reply.attention.push_back(attention("dynamic", [&](std::size_t) { return 1 / n; }));
  const auto shown = attention_of(reply, sources(), *tokenizer_).value();
  ASSERT_LE(tokens_.size(), kMostTokenSources) << "all are told";
  ASSERT_EQ(shown.weights.size(), tokens_.size());
  EXPECT_EQ(shown.basis, AttentionLevel::kTokens);
  EXPECT_FALSE(shown.static_weights || shown.static_turns);
  // Equal ones stay in order, so the texts come out again, byte by byte.
  std::vector<std::string> said(texts_.size());
  std::size_t marks = 0;
  for (std::size_t j = 0; j < shown.weights.size(); ++j) {
    const auto& one = shown.weights[j];
    const auto source = static_cast<std::size_t>(tokens_[j].source);
    EXPECT_EQ(one.kind, source == 0 ? Kind::kFact : Kind::kTurn);
    EXPECT_EQ(one.number, source == 0 ? 0 : kTurns[source]);
    auto& text = said[source];
    std::int64_t characters = 0;
    for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    EXPECT_EQ(one.at, characters) << *one.token << " of " << texts_[source];
    marks += one.token->empty();
    text += text.empty() && one.token->starts_with(' ') ? one.token->substr(1) : *one.token;
  }
  EXPECT_EQ(said, texts_);
  EXPECT_EQ(marks, 4U) << "persona, and the end of each";
}

TEST_F(ReplyViewTest, TheLargestAreToldFallingAndTiesInOrder) {
  while (tokens_.size() < 40) tokens_.push_back({.source = 2, .id = tokens_[3].id});
  models::Reply reply;
  // 0, 1/n, 2/n, ... but the last three alike, and one of the first the largest.
  const auto of = [&](std::size_t j) {
    if (j == 1) return 0.5F;
    return static_cast<float>(std::min<std::size_t>(j, 37)) / 1024;
  };
  reply.attention.push_back(attention("dynamic", of));
  const auto shown = attention_of(reply, sources(), *tokenizer_).value();
  ASSERT_EQ(shown.weights.size(), kMostTokenSources);
  EXPECT_EQ(shown.weights[0].weight, 0.5F);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(shown.weights[i].weight, 37.0F / 1024);
  EXPECT_LT(shown.weights[1].at, shown.weights[2].at);
  EXPECT_LT(shown.weights[2].at, shown.weights[3].at);
  for (std::size_t i = 4; i < shown.weights.size(); ++i)
    EXPECT_EQ(shown.weights[i].weight, static_cast<float>(40 - i) / 1024);
  // Whole sources are told whole.
  ASSERT_EQ(shown.turns.value().size(), 3U);
  for (std::size_t u = 0; u < 3; ++u)
    EXPECT_EQ((*shown.turns)[u].weight, reply.attention[0].weights[0][u]);
}

TEST_F(ReplyViewTest, WeightsAreTheMeanOverTheReplyAndStaticOnesApart) {
  models::Reply reply;
  const auto only = [](std::size_t which) {
    return [which](std::size_t j) { return j == which ? 1.0F : 0.0F; };
  };
  auto first = attention("dynamic", only(2)), second = attention("dynamic", only(5));
  first.weights.push_back(second.weights[0]);
  first.tokens.push_back(second.tokens[0]);
  reply.attention = {attention("static", only(7)), first};
  const auto shown = attention_of(reply, sources(), *tokenizer_).value();
  EXPECT_EQ(shown.weights[0].weight, 0.5F);
  EXPECT_EQ(shown.weights[1].weight, 0.5F);
  EXPECT_EQ(shown.weights[0].token, tokenizer_->surface(tokens_[2].id));
  EXPECT_EQ(shown.weights[1].token, tokenizer_->surface(tokens_[5].id));
  EXPECT_EQ(shown.static_weights.value().at(0).token, tokenizer_->surface(tokens_[7].id));
  EXPECT_EQ(shown.static_weights->at(0).weight, 1.0F);
  EXPECT_EQ(shown.static_turns.value().size(), 3U);
  const auto text = attention_text(shown);  // half a character is repaired in it
  EXPECT_EQ(attention_text(read_attention(text)), text);
}

TEST_F(ReplyViewTest, WithoutWeightsOfTokensTheyAreOfTurns) {
  models::Reply reply;
  auto kind = attention("dynamic", [](std::size_t j) { return j == 0 ? 1.0F : 0.0F; });
  kind.tokens.clear();
  reply.attention = {kind};
  const auto shown = attention_of(reply, {.turns = kTurns, .facts = 1, .tokens = {}}, *tokenizer_);
  EXPECT_EQ(shown.value().basis, AttentionLevel::kTurns);
  EXPECT_EQ(shown->weights.size(), 3U);
  EXPECT_FALSE(shown->turns);
  for (const auto& one : shown->weights) EXPECT_FALSE(one.token || one.at);
}

}  // namespace
}  // namespace banter::serve
