#include "serve/run/run_rows.h"

#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/decoding/reply_text.h"
#include "tests/decoding/table_model.h"
#include "tests/decoding/tiny_run.h"

namespace banter::serve {
namespace {

constexpr std::int64_t kRowBytes = 8;  // what a TableModel keeps of a turn
constexpr std::int64_t kUser = 1, kBot = 2;

/// A model that can run out of memory.
class FailingModel : public models::TableModel {
 public:
  using TableModel::TableModel;

  models::Kept encode_turns(const data::Batch& batch) override {
    if (cannot_encode) throw std::bad_alloc();
    return TableModel::encode_turns(batch);
  }
  models::StepOutput step(const torch::Tensor& ids, const models::Memory& memory,
                          models::State state) override {
    if (cannot_step) throw std::bad_alloc();
    return TableModel::step(ids, memory, std::move(state));
  }

  bool cannot_encode = false, cannot_step = false;
};

class RunRowsTest : public testing::Test {
 protected:
  explicit RunRowsTest(std::int64_t cache_bytes = 1 << 20) {
    static const models::TinyRun run;
    auto loaded = models::load_model(run.path().string());
    model_ = std::make_shared<FailingModel>(loaded.tokenizer.vocab_size() -
                                            loaded.tokenizer.special().count());
    loaded.model = model_;
    rows_.emplace(std::move(loaded), "r1", Helpers{},
                  RunRowsLimits{.max_rows = 8, .cache_bytes = cache_bytes});
  }

  [[nodiscard]] data::Context::Row said(const std::string& text, std::int64_t speaker) const {
    return {.ids = rows_->loaded().tokenizer.encode(text), .speaker = speaker};
  }

  static Turn turn(const std::string& conversation, std::vector<data::Context::Row> turns) {
    Turn turn;
    turn.conversation = conversation;
    turn.context.turns = std::move(turns);
    turn.context.reply_speaker = kBot;
    turn.decoding.method = "greedy";
    turn.decoding.min_new_tokens = turn.decoding.max_new_tokens = 5;
    return turn;
  }

  /// Steps until nothing runs; the texts of the replies, by their numbers.
  std::map<std::uint64_t, std::string> run() {
    std::map<std::uint64_t, std::string> texts;
    for (int step = 0; step < 20; ++step) {
      for (const auto& ended : rows_->step([](std::uint64_t, const TurnProgress&) {}))
        texts[ended.replies.number] =
            models::text_of(ended.replies.best.at(0), rows_->loaded().tokenizer);
    }
    return texts;
  }

  std::string reply_to(const Turn& turn) {
    rows_->add(99, turn);
    return run().at(99);
  }

  void settle() {
    while (rows_->settle()) {
    }
  }

  std::shared_ptr<FailingModel> model_;
  std::optional<RunRows> rows_;
};

class SmallRunRowsTest : public RunRowsTest {
 protected:
  SmallRunRowsTest() : RunRowsTest(2 * kRowBytes) {}
};

TEST_F(RunRowsTest, ATurnEncodesOnlyWhatIsNew) {
  const auto hello = said("hello", kUser), more = said("how are you", kUser);
  const auto first = rows_->add(1, turn("c", {hello}));
  EXPECT_EQ(first.cached, 0);
  const auto reply = said(run().at(1), kBot);
  settle();
  const auto encoded = model_->encoded_rows;
  EXPECT_EQ(encoded, 2) << "the reply was encoded ahead";
  const auto second = rows_->add(2, turn("c", {hello, reply, more}));
  EXPECT_EQ(model_->encoded_rows, encoded + 1);
  EXPECT_GT(second.cached, 0);
  EXPECT_LT(second.cached, second.prompt);
  const auto kept = run().at(2);
  EXPECT_EQ(kept, reply_to(turn("", {hello, reply, more}))) << "what was kept changes nothing";
  EXPECT_EQ(rows_->cache().bytes, 3 * kRowBytes) << "of nobody's conversation nothing is kept";
}

TEST_F(SmallRunRowsTest, WhoCameLongestAgoIsLetGo) {
  const auto hello = said("hello", kUser);
  const auto reply = reply_to(turn("a", {hello}));
  (void)reply_to(turn("b", {hello}));
  (void)reply_to(turn("a", {hello}));
  EXPECT_EQ(rows_->cache().evictions, 0U);
  (void)reply_to(turn("c", {hello}));  // b goes
  EXPECT_EQ(rows_->cache().evictions, 1U);
  EXPECT_EQ(rows_->cache().bytes, 2 * kRowBytes);
  const auto hits = rows_->cache().hits;
  EXPECT_EQ(reply_to(turn("a", {hello})), reply);
  EXPECT_EQ(rows_->cache().hits, hits + 1);
  EXPECT_EQ(reply_to(turn("b", {hello})), reply) << "encoded again, with equal values";
  EXPECT_EQ(rows_->cache().hits, hits + 1);
}

TEST_F(RunRowsTest, NoMemoryToEncodeCostsThatTurnAndWhatWasKept) {
  const auto hello = said("hello", kUser);
  const auto reply = reply_to(turn("a", {hello}));
  rows_->add(1, turn("b", {hello}));
  model_->cannot_encode = true;
  EXPECT_THROW(rows_->add(2, turn("c", {hello})), std::bad_alloc);
  EXPECT_EQ(rows_->cache().bytes, 0);
  EXPECT_EQ(rows_->cache().evictions, 3U);
  model_->cannot_encode = false;
  const auto texts = run();
  EXPECT_EQ(texts, (std::map<std::uint64_t, std::string>{{1, reply}})) << "who ran runs on";
  EXPECT_EQ(reply_to(turn("c", {hello})), reply);
  EXPECT_EQ(rows_->cache().bytes, kRowBytes);
}

TEST_F(RunRowsTest, NoMemoryForAStepCostsAllTurnsAndWhatWasKept) {
  const auto hello = said("hello", kUser);
  const auto reply = reply_to(turn("a", {hello}));
  rows_->add(1, turn("b", {hello}));
  model_->cannot_step = true;
  EXPECT_THROW(run(), std::bad_alloc);
  EXPECT_EQ(rows_->cache().bytes, 0);
  EXPECT_EQ(rows_->cache().evictions, 2U);
  model_->cannot_step = false;
  EXPECT_EQ(run(), (std::map<std::uint64_t, std::string>{})) << "nothing is left of the turn";
  EXPECT_EQ(reply_to(turn("a", {hello})), reply);
}

TEST_F(RunRowsTest, NoMemoryToEncodeAheadCostsWhatWasKept) {
  const auto hello = said("hello", kUser);
  const auto reply = reply_to(turn("a", {hello}));
  model_->cannot_encode = true;
  EXPECT_THROW(rows_->settle(), std::bad_alloc);
  EXPECT_EQ(rows_->cache().bytes, 0);
  EXPECT_FALSE(rows_->settle()) << "it is not tried again";
  model_->cannot_encode = false;
  EXPECT_EQ(reply_to(turn("a", {hello})), reply);
}

TEST_F(RunRowsTest, WhatCannotBeAnsweredLeavesWhatWasKept) {
  const auto hello = said("hello", kUser);
  (void)reply_to(turn("a", {hello}));
  auto asked = turn("b", {hello});
  asked.prefix = std::vector<data::TokenId>(9, hello.ids.at(0));  // longer than a reply
  EXPECT_THROW(rows_->add(1, asked), base::Error);
  EXPECT_EQ(rows_->cache().bytes, kRowBytes);
  EXPECT_EQ(rows_->cache().evictions, 0U);
}

TEST_F(RunRowsTest, AConversationThatIsForgottenIsEncodedAnew) {
  const auto hello = said("hello", kUser);
  (void)reply_to(turn("a", {hello}));
  rows_->forget("a");
  EXPECT_EQ(rows_->cache().bytes, 0);
  EXPECT_FALSE(rows_->settle()) << "its reply is not encoded any more";
  EXPECT_EQ(rows_->add(1, turn("a", {hello})).cached, 0);
}

TEST_F(RunRowsTest, ADroppedTurnSaysNothingMore) {
  const auto hello = said("hello", kUser);
  rows_->add(1, turn("a", {hello}));
  rows_->add(2, turn("b", {hello}));
  rows_->drop(1);
  rows_->drop(7);
  const auto texts = run();
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_TRUE(texts.contains(2));
}

}  // namespace
}  // namespace banter::serve
