#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "models/decoding/decoder.h"
#include "tests/decoding/table_model.h"

/// Requests of a TableModel, and what it answers.
namespace banter::models {

inline data::Context::Row turn(std::uint64_t key, std::int64_t speaker) {
  data::Context::Row row{.ids = {}, .speaker = speaker};
  const auto first = data::SpecialIds{}.count();
  for (std::uint64_t i = 0; i < 1 + key % 5; ++i)
    row.ids.push_back(first +
                      static_cast<std::int64_t>(base::join_keys(key, i) % TableModel::kWords));
  return row;
}

inline data::Context context(std::uint64_t key) {
  data::Context made{
      .turns = {}, .facts = {}, .reply_speaker = 1 + static_cast<int>(key % 2), .reply = {}};
  for (std::uint64_t i = 0; i < 1 + key % 4; ++i)
    made.turns.push_back(turn(10 * key + i, 1 + static_cast<std::int64_t>(i % 2)));
  for (std::uint64_t i = 0; i < key % 3; ++i) made.facts.push_back(turn(1000 * key + i, 2));
  return made;
}

/// Requests of every method, one after the other.
inline Request request(std::uint64_t key) {
  Request made{.number = key, .context = context(key), .options = {}};
  made.options.max_new_tokens = 5 + static_cast<std::int64_t>(key % 20);
  made.options.min_new_tokens = static_cast<std::int64_t>(key % 4);
  made.options.seed = key;
  if (key % 4 == 1) {
    made.options.method = "beam";
    made.options.beam_size = 1 + static_cast<std::int64_t>(key % 5);
    made.options.replies = 1 + static_cast<std::int64_t>(key % 5) / 2;
  } else if (key % 4 > 1) {
    made.options.method = "sample";
    made.options.replies = 1 + static_cast<std::int64_t>(key % 3);
    made.options.top_k = static_cast<std::int64_t>(key % 7);
  }
  return made;
}

inline std::map<std::uint64_t, Replies> decode_all(TableModel& model, std::vector<Request> requests,
                                                   const DecodeLimits& limits,
                                                   const data::BatchOptions& options = {}) {
  std::map<std::uint64_t, Replies> answers;
  std::size_t at = 0;
  decode(
      model, options, limits,
      [&]() -> std::optional<Request> {
        if (at == requests.size()) return std::nullopt;
        return std::move(requests[at++]);
      },
      [&](Replies replies) {
        EXPECT_FALSE(answers.contains(replies.number));
        answers[replies.number] = std::move(replies);
      });
  return answers;
}

inline void expect_equal(const Replies& a, const Replies& b) {
  ASSERT_EQ(a.best.size(), b.best.size());
  EXPECT_EQ(a.facts, b.facts);
  EXPECT_EQ(a.turns, b.turns);
  for (std::size_t i = 0; i < a.best.size(); ++i) {
    EXPECT_EQ(a.best[i].ids, b.best[i].ids);
    EXPECT_EQ(a.best[i].log_probs, b.best[i].log_probs);
    EXPECT_EQ(a.best[i].score, b.best[i].score);
    EXPECT_EQ(a.best[i].finish, b.best[i].finish);
    ASSERT_EQ(a.best[i].attention.size(), b.best[i].attention.size());
    for (std::size_t kind = 0; kind < a.best[i].attention.size(); ++kind)
      EXPECT_EQ(a.best[i].attention[kind].weights, b.best[i].attention[kind].weights);
  }
}

}  // namespace banter::models
