#include "models/decoding/wording.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/utf8.h"
#include "models/decoding/reranking.h"
#include "tests/decoding/markov.h"
#include "tests/decoding/random_options.h"

namespace banter::models {
namespace {

using Ids = std::vector<data::TokenId>;

/// Ids: 0 bos, 1 eos, then pieces.
const std::vector<std::string> kSurfaces = {"",    "",  " a",   "b",    "ab",   "\n",
                                            "x\n", " ", "\xC3", "\xA4", " b c", "c"};

Wording wording(const std::vector<std::string>& stop) { return {kSurfaces, {}, stop}; }

TEST(WordingTest, FindsAStopStringInAPieceAndOverPieces) {
  const auto stopped = [](const std::string& stop, const Ids& ids) {
    return wording({stop}).stopped_bytes(ids);
  };
  EXPECT_EQ(stopped("b", {2, 3}), 1U);
  EXPECT_EQ(stopped("ab", {2, 3}), 2U);
  EXPECT_EQ(stopped("a b", {2, 10}), 5U) << "what the piece brought behind it goes too";
  EXPECT_EQ(stopped("bab c", {3, 4, 7, 11}), 5U);
  EXPECT_EQ(stopped("\xC3\xA4", {2, 8}), 0U);
  EXPECT_EQ(stopped("\xC3\xA4", {2, 8, 9}), 2U) << "of two byte pieces";
  EXPECT_EQ(stopped("c", {2, 3}), 0U);
  EXPECT_EQ(stopped("b", {3, 2}), 0U) << "it ended before the last piece";
  EXPECT_EQ(stopped("b", {}), 0U);
}

TEST(WordingTest, TakesTheFirstOfSeveralStopStrings) {
  EXPECT_EQ(wording({"c", "b"}).stopped_bytes(Ids{2, 10}), 3U);
  EXPECT_EQ(wording({"b", "c"}).stopped_bytes(Ids{2, 10}), 3U);
}

TEST(WordingTest, LeavesOutTheSpaceInFrontOfATextAsDecodingDoes) {
  EXPECT_EQ(wording({" a"}).stopped_bytes(Ids{2}), 0U);
  EXPECT_EQ(wording({" a"}).stopped_bytes(Ids{2, 2}), 2U);
}

TEST(WordingTest, HoldsBackWhatCouldBecomeAStopString) {
  const auto settled = [](const std::vector<std::string>& stop, const Ids& ids) {
    return wording(stop).without_begun_stop(ids).size();
  };
  EXPECT_EQ(settled({}, {2, 3, 8}), 3U);
  EXPECT_EQ(settled({"bb"}, {2, 3}), 1U);
  EXPECT_EQ(settled({"ababc"}, {2, 3, 4}), 0U) << "from where the first of its bytes may be";
  EXPECT_EQ(settled({"bc"}, {2, 4}), 1U) << "a piece goes as a whole";
  EXPECT_EQ(settled({"ca"}, {2, 3}), 2U);
}

TEST(WordingTest, HoldsBackHalfACharacter) {
  EXPECT_EQ(wording({}).whole_characters(Ids{2, 8}).size(), 1U);
  EXPECT_EQ(wording({}).whole_characters(Ids{2, 8, 9}).size(), 3U);
  EXPECT_EQ(wording({}).whole_characters(Ids{2, 9}).size(), 2U) << "no end of it will come";
}

/// A tokenizer that knows a few words.
const data::Tokenizer& tokenizer() {
  static const data::Tokenizer made([] {
    data::TokenizerOptions options;
    options.vocab_size = 330;
    int left = 200;
    return data::Tokenizer::train(options, [&]() -> std::optional<std::string> {
      if (left-- == 0) return std::nullopt;
      return "the dog and the hotdog saw a doghouse number " + std::to_string(left % 17);
    });
  }());
  return made;
}

/// What ids say, as behind a space.
std::string behind_a_space(std::span<const data::TokenId> ids) {
  std::string text;
  for (const auto id : ids) text += tokenizer().surface(id);
  return text.starts_with(' ') ? text : " " + text;
}

TEST(WordingTest, BlocksExactlyTheIdsThatWouldWriteAPhrase) {
  const std::vector<std::string> phrases = {"og", " the", "a do", "hotdog saw", "\xC3\xA4"};
  const Wording made({.block = phrases}, tokenizer());
  const auto says_one = [&](const Ids& ids) {
    const auto text = behind_a_space(ids);
    return std::ranges::any_of(
        phrases, [&](const auto& phrase) { return text.find(phrase) != std::string::npos; });
  };
  std::size_t blocked_by_what_stood_before = 0;
  for (const std::string& text : {std::string("a hotdog saw the dog"), std::string("dog and a"),
                                  std::string("the number 3 \xC3\xA4"), std::string("other tho")}) {
    Ids ids;
    for (const auto next : tokenizer().encode(text)) {
      const auto after = made.blocked_after(ids);
      for (data::TokenId id = 0; id < tokenizer().vocab_size(); ++id) {
        auto longer = ids;
        longer.push_back(id);
        const bool is_blocked =
            std::ranges::count(made.blocked(), id) + std::ranges::count(after, id) > 0;
        EXPECT_EQ(is_blocked, says_one(longer)) << behind_a_space(longer);
      }
      blocked_by_what_stood_before += after.size();
      ids.push_back(next);
      if (says_one(ids)) break;
    }
  }
  EXPECT_GT(blocked_by_what_stood_before, 5U);
  EXPECT_TRUE(Wording({}, tokenizer()).blocked_after(tokenizer().encode("the d")).empty());
}

TEST(TextOfTest, CutsAReplyBeforeItsStopString) {
  const auto ids = tokenizer().encode("the dog saw a number 3");
  const Wording made({.stop = {"saw"}}, tokenizer());
  Reply reply;
  for (const auto id : ids) {
    reply.ids.push_back(id);
    reply.cut_bytes = made.stopped_bytes(reply.ids);
    if (reply.cut_bytes > 0) break;
  }
  EXPECT_EQ(text_of(reply, tokenizer()), "the dog ");
  reply.cut_bytes = 0;
  EXPECT_EQ(text_of(reply, tokenizer()).substr(0, 11), "the dog saw");
}

/// What ids say: without the first space, bad bytes shown as "?".
std::string text_of(std::span<const data::TokenId> ids) {
  std::string text;
  for (const auto id : ids) text += kSurfaces[static_cast<std::size_t>(id)];
  if (text.starts_with(' ')) text.erase(0, 1);
  while (const auto bad = base::first_bad_utf8(text)) text[*bad] = '?';
  return text;
}

std::string text_of(const Reply& reply) {
  const auto text = text_of(reply.ids);
  return text.substr(0, text.size() - reply.cut_bytes);
}

Markov random_language(std::uint64_t key) {
  Markov language;
  for (std::size_t row = 0; row < kSurfaces.size(); ++row) {
    std::vector<double> probs(kSurfaces.size(), 0);
    double sum = 0;
    for (std::size_t to = 1; to < probs.size(); ++to)
      sum += probs[to] = std::exp(6 * base::to_unit(base::join_keys(key, 100 * row + to)));
    for (auto& p : probs) p /= sum;
    language.probs.push_back(probs);
  }
  return language;
}

TEST(StopTest, AReplyEndsBeforeTheFirstStopStringAndSaysNone) {
  const std::vector<std::string> stop = {"b\n", "bab", "c b"};
  const SearchInput input{.wording = std::make_shared<Wording>(wording(stop))};
  int stopped = 0;
  for (std::uint64_t key = 0; key < 300; ++key) {
    for (const auto& reply : run_search(random_language(key), random_options(key), input)) {
      const auto said = text_of(reply);
      for (const auto& text : stop) EXPECT_EQ(said.find(text), std::string::npos);
      EXPECT_EQ(reply.finish == "stop", reply.cut_bytes > 0);
      if (reply.finish != "stop") continue;
      ++stopped;
      const auto rest = text_of(reply.ids).substr(said.size());
      EXPECT_TRUE(std::ranges::any_of(stop, [&](const auto& s) { return rest.starts_with(s); }));
      EXPECT_EQ(reply.log_probs.size(), reply.ids.size()) << "of all that was chosen";
    }
  }
  EXPECT_GT(stopped, 50);
}

TEST(StopTest, DoesNotLookIntoThePrefix) {
  const SearchInput input{.prefix = {3, 4}, .wording = std::make_shared<Wording>(wording({"bab"}))};
  for (const char* method : {"greedy", "beam"}) {
    const auto replies =
        run_search(random_language(1), {.method = method, .max_new_tokens = 4}, input);
    EXPECT_GT(replies[0].ids.size(), 2U);
  }
}

TEST(CommittedTest, BeginsTheBestReplyAndNeverShrinks) {
  std::size_t committed_early = 0;
  for (std::uint64_t key = 0; key < 2000; ++key) {
    const SearchInput input{
        .prefix = key % 5 == 0 ? Ids{3, 8} : Ids{},
        .wording =
            key % 3 == 0 ? nullptr : std::make_shared<Wording>(wording({"b\n", "bab", "c b"}))};
    const auto options = random_options(key);
    std::vector<Ids> shown;
    auto replies = run_search(random_language(key), options, input, [&](const Search& search) {
      shown.push_back(search.committed().ids);
    });
    const auto judge = reranker_named(options.rerank);
    if (judge) rerank(judge, {}, replies);
    const auto& best = replies.at(0);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if (judge && options.replies > 1) {
        EXPECT_TRUE(shown[i].empty()) << "another may be chosen";
      }
      EXPECT_TRUE(std::ranges::equal(common_prefix({shown[i], best.ids}), shown[i]))
          << "at " << i << " with key " << key;
      if (input.wording) {
        EXPECT_TRUE(text_of(best).starts_with(text_of(shown[i])))
            << "at " << i << " with key " << key;
      }
      if (i > 0) {
        EXPECT_TRUE(std::ranges::equal(common_prefix({shown[i - 1], shown[i]}), shown[i - 1]))
            << "shrank at " << i << " with key " << key;
      }
      committed_early += i + 1 < shown.size() && !shown[i].empty();
    }
  }
  EXPECT_GT(committed_early, 500U);
}

TEST(CommittedTest, IsAllOfAGreedyReplySoFar) {
  std::size_t step = 0;
  run_search(random_language(3), {.method = "greedy", .min_new_tokens = 5, .max_new_tokens = 5}, {},
             [&](const Search& search) { EXPECT_EQ(search.committed().ids.size(), ++step); });
}

}  // namespace
}  // namespace banter::models
