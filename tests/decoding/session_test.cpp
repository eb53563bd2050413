#include "models/decoding/session.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/decoding/table_model.h"
#include "tests/decoding/table_requests.h"

namespace banter::models {
namespace {

TEST(ChatSessionTest, RepliesAsIfTheWholeContextWereGiven) {
  TableModel model;
  const data::BatchOptions limits{.max_context_turns = 3};
  ChatSession session(model, limits);
  data::Context whole{.turns = {}, .facts = {turn(77, 2)}, .reply_speaker = 2, .reply = {}};
  session.set_facts(whole.facts);
  for (std::uint64_t i = 0; i < 8; ++i) {
    for (const std::int64_t speaker : {1, 2}) {
      whole.turns.push_back(turn(3 * i, speaker));  // some are said twice
      session.add_turn(whole.turns.back());
      if (speaker == 2) continue;
      Request kept{.number = 0, .context = {}, .options = {}, .composed = session.compose(2)};
      Request fresh{.number = 1, .context = whole, .options = {}};
      const auto answers =
          decode_all(model, {kept, fresh}, {.max_rows = 8, .with_attention = true}, limits);
      expect_equal(answers.at(0), answers.at(1));
    }
  }
}

TEST(ChatSessionTest, EncodesOnlyWhatIsNew) {
  TableModel model;
  ChatSession session(model, {.max_context_turns = 4});
  session.set_facts({turn(5, 2), turn(6, 2)});
  session.add_turn(turn(1, 1));
  (void)session.compose(2);
  EXPECT_EQ(model.encoded_rows, 3);  // two facts, one turn
  session.add_turn(turn(2, 2));
  session.add_turn(turn(3, 1));
  (void)session.compose(2);
  EXPECT_EQ(model.encoded_rows, 5);
  (void)session.compose(2);
  EXPECT_EQ(model.encoded_rows, 5);
  for (std::uint64_t i = 0; i < 6; ++i) {
    session.add_turn(turn(20 + i, 1));
    (void)session.compose(2);
  }
  EXPECT_EQ(model.encoded_rows, 11);
  EXPECT_EQ(session.turns().size(), 4U);
  EXPECT_EQ(session.encoded_rows(), 11);
}

TEST(ChatSessionTest, EncodesOnlyTheFactsThatChange) {
  TableModel model;
  ChatSession session(model, {});
  session.set_facts({turn(5, 2), turn(6, 2), turn(7, 2)});
  session.add_turn(turn(1, 1));
  (void)session.compose(2);
  EXPECT_EQ(model.encoded_rows, 4);
  session.set_facts({turn(5, 2), turn(9, 2), turn(7, 2)});
  (void)session.compose(2);
  EXPECT_EQ(model.encoded_rows, 5) << "one fact is new, and the turn stays";
  session.set_facts({turn(7, 2), turn(5, 2)});
  EXPECT_EQ(session.compose(2).facts, 2);
  EXPECT_EQ(model.encoded_rows, 5);
  session.set_facts({});
  EXPECT_EQ(session.compose(2).facts, 0);
  session.set_facts({turn(5, 2)});
  (void)session.compose(2);
  EXPECT_EQ(model.encoded_rows, 6) << "what was forgotten is encoded again";
}

TEST(ChatSessionTest, TurnsThatStayAreNotEncodedAgain) {
  TableModel model;
  ChatSession session(model, {.max_context_turns = 3});
  session.set_turns({turn(1, 1), turn(2, 2), turn(3, 1)});
  (void)session.compose(2);
  EXPECT_EQ(model.encoded_rows, 3);
  EXPECT_EQ(session.encoded_tokens(), session.read_tokens());
  const auto kept = session.bytes();
  EXPECT_GT(kept, 0);
  // The conversation goes on with another reply than the last one, and loses its first turn.
  const std::vector<data::Context::Row> turns = {turn(1, 1), turn(2, 2), turn(9, 1), turn(8, 2)};
  session.set_turns(turns);
  session.encode();
  EXPECT_EQ(model.encoded_rows, 5) << "two are new";
  EXPECT_EQ(session.bytes(), kept) << "as many turns as before";
  auto composed = session.compose(1);
  EXPECT_EQ(model.encoded_rows, 5) << "it was done before";
  Request from_kept{.number = 0, .context = {}, .options = {}, .composed = std::move(composed)};
  const data::Context whole{.turns = turns, .facts = {}, .reply_speaker = 1, .reply = {}};
  Request fresh{.number = 1, .context = whole, .options = {}};
  const auto answers = decode_all(model, {from_kept, fresh}, {}, {.max_context_turns = 3});
  expect_equal(answers.at(0), answers.at(1));
}

TEST(ChatSessionTest, ForgetsItsTurnsButNotItsFacts) {
  TableModel model;
  ChatSession session(model, {});
  EXPECT_THROW(session.compose(2), base::DataError);
  session.set_facts({turn(5, 2)});
  session.add_turn(turn(1, 1));
  (void)session.compose(2);
  session.reset();
  const auto composed = session.compose(2);
  EXPECT_EQ(composed.turns, 0);
  EXPECT_EQ(composed.facts, 1);
  EXPECT_EQ(model.encoded_rows, 2);
}

}  // namespace
}  // namespace banter::models
