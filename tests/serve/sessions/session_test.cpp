// Sessions by themselves: the archive is real, the model costs nothing, the peer is the test's own.
#include "serve/sessions/session.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "serve/protocol/request_error.h"
#include "tests/serve/sessions/small_model.h"
#include "tests/support/temporary_folder.h"

namespace banter::serve {
namespace {

/// Keeps what it is told.
class TestPeer : public Peer {
 public:
  void tell(const ServerFrame& frame, std::int64_t seq, std::string /*text*/) override {
    const std::lock_guard lock(mutex_);
    frames_.push_back(frame);
    seqs_.push_back(seq);
    changed_.notify_all();
  }
  [[nodiscard]] bool is_behind() const override { return is_behind_; }
  void leave(CloseCode code) override {
    const std::lock_guard lock(mutex_);
    left_ = code;
    changed_.notify_all();
  }

  void fall_behind() { is_behind_ = true; }
  /// Waits for the first frame of a kind; a copy of all that came until then.
  template <typename Frame>
  std::vector<ServerFrame> wait_for() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::ranges::any_of(frames_,
                                 [](const auto& f) { return std::holds_alternative<Frame>(f); });
    });
    return frames_;
  }
  [[nodiscard]] std::vector<std::int64_t> seqs() const {
    const std::lock_guard lock(mutex_);
    return seqs_;
  }
  [[nodiscard]] std::optional<CloseCode> left() const {
    const std::lock_guard lock(mutex_);
    return left_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ServerFrame> frames_;
  std::vector<std::int64_t> seqs_;
  std::optional<CloseCode> left_;
  std::atomic<bool> is_behind_{false};
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() { start(); }
  ~SessionTest() override { stop(); }

  void start() {
    archive_ = open_archive((folder_ / "archive.sqlite").string());
    HubOptions options;
    options.run_later = [](const std::function<void()>& work) { work(); };
    options.log = [](const LogEntry&) {};
    options.engine.max_waiting = 4;
    hub_ = std::make_unique<Hub>(std::move(options), *archive_);
    hub_->set_model(small_model("small", 20));
  }
  void stop() {
    hub_->end();
    archive_->close();
    hub_.reset();
    archive_.reset();
  }

  /// A session with this peer.
  std::shared_ptr<Session> open(const std::shared_ptr<TestPeer>& peer) {
    std::promise<std::shared_ptr<Session>> entered;
    hub_->open({.user = "", .owner = "me"}, [&](auto entry) {
      auto [session, arrival] = std::get<0>(entry);
      session->attach(peer, arrival);
      entered.set_value(session);
    });
    return entered.get_future().get();
  }

  static std::vector<std::int64_t> rising_from_one(std::size_t count) {
    std::vector<std::int64_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 1);
    return numbers;
  }

  tests::TemporaryFolder folder_;
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<Hub> hub_;
};

TEST_F(SessionTest, APeerThatIsBehindGetsOneDeltaWithoutAGapOfNumbers) {
  const auto peer = std::make_shared<TestPeer>();
  const auto session = open(peer);
  peer->fall_behind();
  session->take(peer.get(), Message{.id = "m", .text = "hello , how are you ?"});
  const auto frames = peer->wait_for<Done>();
  std::string said;
  int deltas = 0;
  for (const auto& frame : frames)
    if (const auto* delta = std::get_if<Delta>(&frame)) {
      ++deltas;
      said += delta->text;
    }
  EXPECT_EQ(deltas, 1);
  EXPECT_TRUE(std::get<Done>(frames.back()).text.starts_with(said));
  EXPECT_EQ(peer->seqs(), rising_from_one(frames.size()));
}

TEST_F(SessionTest, WhatAPeerMissedComesInOrderBehindReady) {
  const auto first = std::make_shared<TestPeer>();
  const auto session = open(first);
  session->detach(first.get());
  const auto second = std::make_shared<TestPeer>();
  session->attach(second, {.resume_token = "t", .is_resumed = true, .last_seq = 1});
  session->take(second.get(), Message{.id = "m", .text = "hello"});
  const auto seen = second->wait_for<Done>();
  const auto third = std::make_shared<TestPeer>();
  session->attach(third, {.resume_token = "u", .is_resumed = true, .last_seq = 2});
  const auto again = third->wait_for<Done>();
  EXPECT_TRUE(std::holds_alternative<Ready>(again[0]));
  EXPECT_TRUE(std::holds_alternative<Accepted>(again[1])) << "deltas are in the done";
  EXPECT_EQ(again.size(), 3U);
  EXPECT_EQ(third->seqs()[0], second->seqs().back() + 1);
  EXPECT_EQ(second->left(), CloseCode::kTakenOver);
}

TEST_F(SessionTest, FramesOfAConnectionThatWasTakenOverAreNotObeyed) {
  const auto first = std::make_shared<TestPeer>();
  const auto session = open(first);
  const auto second = std::make_shared<TestPeer>();
  session->attach(second, {.resume_token = "t", .is_resumed = true, .last_seq = 1});
  session->take(first.get(), Message{.id = "old", .text = "hello"});
  session->take(second.get(), Message{.id = "new", .text = "hello"});
  EXPECT_EQ(std::get<Done>(second->wait_for<Done>().back()).id, "new");
}

TEST_F(SessionTest, OfTwoResumesTheLaterOneStaysWhicheverIsFaster) {
  const auto first = std::make_shared<TestPeer>();
  const auto session = open(first);
  const auto late = std::make_shared<TestPeer>(), early = std::make_shared<TestPeer>();
  session->attach(late, {.resume_token = "u", .is_resumed = true, .number = 2, .last_seq = {}});
  session->attach(early, {.resume_token = "t", .is_resumed = true, .number = 1, .last_seq = {}});
  EXPECT_EQ(first->left(), CloseCode::kTakenOver);
  EXPECT_EQ(early->left(), CloseCode::kTakenOver);
  session->take(early.get(), Message{.id = "early", .text = "hello"});
  session->take(late.get(), Message{.id = "late", .text = "hello"});
  EXPECT_EQ(std::get<Done>(late->wait_for<Done>().back()).id, "late");
  EXPECT_EQ(late->left(), std::nullopt);
}

TEST_F(SessionTest, AFrameThatIsRefusedLeavesTheSessionFree) {
  const auto peer = std::make_shared<TestPeer>();
  const auto session = open(peer);
  const DecodeChange bad{.fields = {{"top_p", DecodeValue(0.0)}}};
  EXPECT_THROW(session->take(peer.get(), Message{.id = "m", .text = "hello", .decode = bad}),
               RequestError);
  EXPECT_EQ(hub_->running_turns(), 0);
  session->take(peer.get(), Message{.id = "m", .text = "hello"});
  EXPECT_EQ(std::get<Done>(peer->wait_for<Done>().back()).finish, Finish::kStop);
}

TEST_F(SessionTest, ATurnThatCannotBeAskedForLeavesTheSessionFree) {
  const auto peer = std::make_shared<TestPeer>();
  const auto session = open(peer);
  const Message bad{.id = "m", .text = "no \xFF text"};  // what no frame holds
  EXPECT_THROW(session->take(peer.get(), bad), std::invalid_argument);
  EXPECT_EQ(hub_->running_turns(), 0);
  session->take(peer.get(), Message{.id = "m", .text = "hello"});
  EXPECT_EQ(std::get<Done>(peer->wait_for<Done>().back()).finish, Finish::kStop);
}

/// Keeps the archive's thread when it tells of a turn's acceptance.
class HoldingPeer : public TestPeer {
 public:
  void tell(const ServerFrame& frame, std::int64_t seq, std::string text) override {
    TestPeer::tell(frame, seq, std::move(text));
    if (std::holds_alternative<Accepted>(frame)) gate_.wait();
  }
  void let_go() { gate_.count_down(); }

 private:
  std::latch gate_{1};
};

TEST_F(SessionTest, TooManyTurnsAtOnceAreRefusedBeforeTheyAreStored) {
  constexpr std::size_t kPlaces = 4, kAll = 10;
  const auto first = std::make_shared<HoldingPeer>();
  std::vector<std::pair<std::shared_ptr<TestPeer>, std::shared_ptr<Session>>> all;
  for (std::size_t i = 0; i < kAll; ++i) {
    const auto peer = i == 0 ? std::shared_ptr<TestPeer>(first) : std::make_shared<TestPeer>();
    all.emplace_back(peer, open(peer));
  }
  for (const auto& [peer, session] : all)
    session->take(peer.get(), Message{.id = "m", .text = "hello"});
  for (std::size_t i = kPlaces; i < kAll; ++i) {
    const auto error = std::get<ErrorFrame>(all[i].first->wait_for<ErrorFrame>().back());
    EXPECT_EQ(error.code, ErrorCode::kOverloaded);
    EXPECT_TRUE(error.retry_after);
  }
  first->let_go();
  for (std::size_t i = 0; i < kPlaces; ++i)
    EXPECT_EQ(std::get<Done>(all[i].first->wait_for<Done>().back()).finish, Finish::kStop)
        << "what was accepted is answered";
}

TEST_F(SessionTest, AServerThatEndsOwesWhatItCutShort) {
  const auto peer = std::make_shared<TestPeer>();
  auto session = open(peer);
  const auto id = session->id();
  // The archive stores the message; the engine has ended before it could answer.
  hub_->end();
  session->take(peer.get(), Message{.id = "m", .text = "hello"});
  peer->wait_for<Accepted>();
  archive_->close();
  session.reset();
  hub_.reset();
  archive_.reset();
  start();
  EXPECT_EQ(archive_->owed(id).size(), 1U);
}

/// Says what the null model says, and looks at all tokens of its turns alike.
class AttendingModel : public NullModel {
 public:
  using NullModel::NullModel;

  TurnTokens add(std::uint64_t number, const Turn& turn) override {
    auto& seen = seen_[number];
    const auto U = turn.context.turns.size();
    std::int64_t source = 0;
    for (const auto& row : turn.context.turns) {
      for (const auto id : row.ids) seen.tokens.push_back({.source = source, .id = id});
      ++source;
    }
    seen.one.name = "dynamic";
    seen.one.weights.assign(U, 1 / static_cast<float>(U));
    const auto J = seen.tokens.size();
    if (turn.decoding.with_token_attention) seen.one.tokens.assign(J, 1 / static_cast<float>(J));
    if (!turn.decoding.with_token_attention) seen.tokens.clear();
    return NullModel::add(number, turn);
  }
  std::vector<EndedRows> step(const Committed& committed) override {
    auto done = NullModel::step([&](std::uint64_t number, const TurnProgress& progress) {
      const auto& [one, tokens] = seen_.at(number);
      const auto kinds = std::make_shared<const std::vector<models::TokenAttention>>(
          std::vector<models::TokenAttention>{one});
      const std::vector<models::SharedAttention> attention(progress.ids.size(), kinds);
      committed(number, {.ids = progress.ids, .attention = attention, .tokens = tokens});
    });
    for (auto& ended : done) {
      auto node = seen_.extract(ended.replies.number);
      auto& [one, tokens] = node.mapped();
      models::ReplyAttention kind{.name = one.name, .weights = {one.weights}};
      if (!one.tokens.empty()) kind.tokens = {one.tokens};
      for (auto& reply : ended.replies.best) reply.attention = {kind};
      ended.replies.tokens = std::move(tokens);
    }
    return done;
  }

 private:
  struct Seen {
    models::TokenAttention one;
    std::vector<models::ContextToken> tokens;
  };
  std::map<std::uint64_t, Seen> seen_;
};

/// A model that can tell so much of its attention.
std::shared_ptr<ServedModel> attending_model(std::vector<AttentionLevel> levels) {
  auto model = small_model("small", 20);
  model->attention = std::move(levels);
  model->rows = std::make_shared<AttendingModel>(
      20, std::make_shared<models::Wording>(models::DecodingOptions{}, *model->tokenizer));
  return model;
}

template <typename Frame>
Frame last_of(const std::vector<ServerFrame>& frames) {
  const auto found = std::find_if(frames.rbegin(), frames.rend(), [](const auto& frame) {
    return std::holds_alternative<Frame>(frame);
  });
  return std::get<Frame>(*found);
}

TEST_F(SessionTest, AttentionByTokenIsToldLiveAndAtTheEndAndKeptAsItWasTold) {
  using enum AttentionLevel;
  const auto model = attending_model({kNone, kTurns, kTokens});
  hub_->set_model(model);
  const auto peer = std::make_shared<TestPeer>();
  const auto session = open(peer);
  EXPECT_EQ(last_of<Ready>(peer->wait_for<Ready>()).attention, model->attention);
  session->take(peer.get(), SessionUpdate{.attention = kTokens, .attention_live = true});
  EXPECT_EQ(last_of<SessionUpdated>(peer->wait_for<SessionUpdated>()).attention, kTokens);
  session->take(peer.get(), Message{.id = "m", .text = "do you like dogs ?"});
  const auto frames = peer->wait_for<Done>();

  const auto told = last_of<Attention>(frames);
  EXPECT_EQ(told.weights.basis, kTokens);
  const auto J = model->tokenizer->encode("do you like dogs ?").size();
  ASSERT_EQ(told.weights.weights.size(), J);
  std::string text;
  for (const auto& source : told.weights.weights) {
    EXPECT_EQ(source.number, 0);
    EXPECT_EQ(source.weight, 1 / static_cast<float>(J));
    text += source.token.value();
  }
  EXPECT_EQ(text, " do you like dogs ?") << "ties in order";
  ASSERT_EQ(told.weights.turns.value().size(), 1U);
  EXPECT_EQ(told.weights.turns->front().weight, 1);

  std::size_t live = 0;
  for (const auto& frame : frames)
    if (const auto* delta = std::get_if<Delta>(&frame))
      for (const auto& token : delta->tokens.value()) {
        ++live;
        EXPECT_EQ(token.weights, told.weights.weights);
        EXPECT_EQ(token.turns, told.weights.turns);
      }
  EXPECT_GT(live, 0U);

  const auto stored = archive_->dialogue(session->id(), 0).at(1);
  EXPECT_EQ(read_attention(stored.attention), told.weights) << "what a history tells";
}

TEST_F(SessionTest, WhoAsksForNoLevelOfAttentionIsToldOfTurns) {
  using enum AttentionLevel;
  hub_->set_model(attending_model({kNone, kTurns, kTokens}));
  const auto peer = std::make_shared<TestPeer>();
  const auto session = open(peer);
  session->take(peer.get(), Message{.id = "m", .text = "hello"});
  const auto told = last_of<Attention>(peer->wait_for<Done>());
  EXPECT_EQ(told.weights.basis, kTurns);
  EXPECT_FALSE(told.weights.turns);
  EXPECT_FALSE(told.weights.weights.at(0).token);
}

TEST_F(SessionTest, ALevelOfAttentionThatTheModelLacksIsRefusedWithThoseItHas) {
  using enum AttentionLevel;
  hub_->set_model(attending_model({kNone, kTurns}));
  const auto peer = std::make_shared<TestPeer>();
  const auto session = open(peer);
  try {
    session->take(peer.get(), SessionUpdate{.attention = kTokens});
    FAIL() << "it was taken";
  } catch (const RequestError& error) {
    EXPECT_EQ(error.field, "attention");
    EXPECT_STREQ(error.what(), "attention must be one of none, turns: what this model has");
  }
}

TEST_F(SessionTest, ASessionThatRestsLeavesMemoryAndLetsNobodyIn) {
  const auto peer = std::make_shared<TestPeer>();
  const auto session = open(peer);
  EXPECT_FALSE(session->retire(Clock::now())) << "somebody is connected";
  session->detach(peer.get());
  EXPECT_EQ(hub_->sessions(), 1);
  hub_->sweep(Clock::now() + std::chrono::hours(1));
  EXPECT_EQ(hub_->sessions(), 0);
  EXPECT_FALSE(session->attach(peer, {.resume_token = "t", .is_resumed = true}));
}

}  // namespace
}  // namespace banter::serve
