// The engine alone: turns of many owners on models without tensors.
#include "serve/engine/engine.h"

#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "serve/engine/fair_queue.h"
#include "serve/engine/null_model.h"

namespace banter::serve {
namespace {

using Ids = std::vector<data::TokenId>;

/// Keeps what it is told; others may wait for the end.
class Listener : public TurnListener {
 public:
  void committed(const TurnProgress& progress) override {
    const Ids ids(progress.ids.begin(), progress.ids.end());
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(has_ended_) << "told of more behind the end";
    EXPECT_GE(ids.size(), said_.size());
    EXPECT_TRUE(std::equal(said_.begin(), said_.end(), ids.begin())) << "what was said changed";
    said_ = ids;
  }
  void progressed(std::int64_t tokens) override {
    const std::lock_guard lock(mutex_);
    progress_ = tokens;
  }
  void ended(TurnEnd end) override {
    {
      const std::lock_guard lock(mutex_);
      EXPECT_FALSE(has_ended_) << "ended twice";
      has_ended_ = true;
    }
    end_.set_value(std::move(end));
  }

  TurnEnd wait() { return end_.get_future().get(); }
  Ids said() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }

 private:
  mutable std::mutex mutex_;
  Ids said_;
  std::int64_t progress_ = 0;
  bool has_ended_ = false;
  std::promise<TurnEnd> end_;
};

/// A model whose steps wait until the test lets them go, and which keeps what it was asked.
class SteppedModel : public RowModel {
 public:
  [[nodiscard]] CacheState cache() const override { return {}; }
  explicit SteppedModel(std::int64_t tokens) : inner_(tokens) {}

  const std::string& revision() const override { return inner_.revision(); }
  std::int64_t rows_of(const Turn& turn) const override { return inner_.rows_of(turn); }
  TurnTokens add(std::uint64_t number, const Turn& turn) override {
    const std::lock_guard lock(mutex_);
    added_.push_back(turn.owner);
    if (fails_to_add_) throw base::DataError("no");
    return inner_.add(number, turn);
  }
  void drop(std::uint64_t number) override {
    const std::lock_guard lock(mutex_);
    dropped_.insert(number);
    inner_.drop(number);
  }
  std::vector<EndedRows> step(const Committed& committed) override {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_free_ || arrived_ <= allowed_; });
    if (fails_to_step_) throw base::Error("no");
    return inner_.step(committed);
  }
  bool settle() override { return false; }
  void forget(const std::string& conversation) override {
    const std::lock_guard lock(mutex_);
    forgotten_.push_back(conversation);
    changed_.notify_all();
  }

  /// Waits until the engine is about to make step `n` (from 1), all before it done.
  void wait_for_step(std::int64_t n) {
    std::unique_lock lock(mutex_);
    allowed_ = n - 1;
    changed_.notify_all();
    changed_.wait(lock, [&] { return arrived_ >= n; });
  }
  void run_free() {
    const std::lock_guard lock(mutex_);
    is_free_ = true;
    changed_.notify_all();
  }
  void wait_for_forgotten(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return forgotten_.size() >= count; });
  }
  void fail_to_add(bool fails) {
    const std::lock_guard lock(mutex_);
    fails_to_add_ = fails;
  }
  void fail_to_step(bool fails) {
    const std::lock_guard lock(mutex_);
    fails_to_step_ = fails;
  }
  std::vector<std::string> added() const {
    const std::lock_guard lock(mutex_);
    return added_;
  }
  bool has_dropped(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    return dropped_.contains(number);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  NullModel inner_;
  std::int64_t arrived_ = 0, allowed_ = 0;
  bool is_free_ = false, fails_to_add_ = false, fails_to_step_ = false;
  std::vector<std::string> added_, forgotten_;
  std::set<std::uint64_t> dropped_;
};

Turn turn_of(const std::string& owner, Ids ids) {
  Turn turn;
  turn.owner = owner;
  turn.context.turns.push_back({.ids = std::move(ids), .speaker = 1});
  turn.context.reply_speaker = 2;
  turn.decoding.max_new_tokens = 100'000'000;
  return turn;
}

Turn beam_of(const std::string& owner, std::int64_t beams) {
  auto turn = turn_of(owner, {7});
  turn.decoding.method = "beam";
  turn.decoding.beam_size = beams;
  return turn;
}

/// An engine on a stepped model; steps go free at the end.
class EngineTest : public testing::Test {
 protected:
  void begin(const EngineLimits& limits, std::int64_t tokens = 3) {
    model_ = std::make_shared<SteppedModel>(tokens);
    engine_ = std::make_unique<Engine>(model_, limits);
  }
  void TearDown() override {
    if (model_) model_->run_free();
  }
  std::shared_ptr<Listener> ask(Turn turn) {
    auto listener = std::make_shared<Listener>();
    const auto number = engine_->submit(std::move(turn), listener);
    EXPECT_TRUE(number);
    last_ = number.value_or(0);
    return listener;
  }

  std::shared_ptr<SteppedModel> model_;
  std::unique_ptr<Engine> engine_;
  std::uint64_t last_ = 0;
};

TEST_F(EngineTest, ATurnIsToldAsItGrowsAndEndsOnce) {
  begin({});
  const auto listener = ask(turn_of("ann", {5, 6}));
  model_->wait_for_step(3);
  EXPECT_EQ(listener->said(), (Ids{5, 6}));
  model_->run_free();
  const auto end = listener->wait();
  EXPECT_EQ(end.finish, Finish::kStop);
  EXPECT_EQ(end.replies.best.at(0).ids, (Ids{5, 6, 5}));
  EXPECT_EQ(end.tokens.prompt, 2);
  EXPECT_EQ(end.tokens.completion, 4) << "its end is a token, too";
  EXPECT_LE(end.took.queue, end.took.first);
  EXPECT_LE(end.took.first, end.took.total);
}

TEST_F(EngineTest, TurnsJoinBetweenStepsAndShareThem) {
  begin({}, 2);
  const auto first = ask(turn_of("ann", {5}));
  model_->wait_for_step(2);
  const auto second = ask(turn_of("bo", {9}));
  model_->wait_for_step(3);
  EXPECT_EQ(first->said(), (Ids{5, 5}));
  EXPECT_EQ(second->said(), Ids{}) << "it came while step 2 was waiting to be made";
  model_->wait_for_step(4);
  EXPECT_EQ(second->said(), Ids{9});
  model_->run_free();
  EXPECT_EQ(second->wait().replies.best.at(0).ids, (Ids{9, 9}));
  EXPECT_EQ(first->wait().replies.best.at(0).ids, (Ids{5, 5}));
  engine_.reset();
}

TEST_F(EngineTest, ACancelledTurnIsGoneBeforeTheNextStep) {
  begin({}, 100);
  const auto kept = ask(turn_of("ann", {5}));
  const auto kept_number = last_;
  const auto cancelled = ask(turn_of("bo", {6}));
  model_->wait_for_step(3);
  engine_->cancel(last_);
  engine_->cancel(last_);
  engine_->cancel(12345);
  model_->wait_for_step(4);
  EXPECT_EQ(cancelled->wait().finish, Finish::kCancelled);
  EXPECT_TRUE(model_->has_dropped(last_));
  EXPECT_FALSE(model_->has_dropped(kept_number));
  model_->run_free();
  EXPECT_EQ(kept->wait().finish, Finish::kStop);
  engine_->cancel(kept_number);  // after its end: nothing
}

TEST_F(EngineTest, AWaitingTurnThatIsCancelledNeverReachesTheModel) {
  begin({.max_rows = 1}, 2);
  const auto runs = ask(turn_of("ann", {5}));
  model_->wait_for_step(1);
  const auto waits = ask(turn_of("bo", {6}));
  engine_->cancel(last_);
  model_->run_free();
  EXPECT_EQ(waits->wait().finish, Finish::kCancelled);
  EXPECT_EQ(runs->wait().finish, Finish::kStop);
  EXPECT_EQ(model_->added(), std::vector<std::string>{"ann"});
}

TEST_F(EngineTest, ADeadlineEndsWhatWaitsAndWhatRuns) {
  begin({.max_rows = 1}, 50'000'000);
  auto late = turn_of("ann", {5});
  late.deadline = Clock::now();
  EXPECT_EQ(ask(late)->wait().finish, Finish::kTimeout);
  EXPECT_TRUE(model_->added().empty());
  late.deadline = Clock::now() + std::chrono::milliseconds(5);
  const auto runs = ask(late), waits = ask(late);
  model_->run_free();
  EXPECT_EQ(runs->wait().finish, Finish::kTimeout);
  EXPECT_EQ(waits->wait().finish, Finish::kTimeout);
}

TEST_F(EngineTest, OwnersTakeTurns) {
  begin({.max_rows = 1}, 1);
  std::vector<std::shared_ptr<Listener>> all = {ask(turn_of("ann", {1}))};
  model_->wait_for_step(1);
  for (int i = 0; i < 3; ++i) all.push_back(ask(turn_of("ann", {1})));
  all.push_back(ask(turn_of("bo", {2})));
  all.push_back(ask(turn_of("cy", {3})));
  model_->run_free();
  for (const auto& listener : all) EXPECT_EQ(listener->wait().finish, Finish::kStop);
  EXPECT_EQ(model_->added(), (std::vector<std::string>{"ann", "ann", "bo", "cy", "ann", "ann"}));
}

TEST_F(EngineTest, OneOwnerHoldsHalfOfTheRowsWhileOthersWait) {
  begin({.max_rows = 4}, 50);
  ask(turn_of("ann", {1}));
  model_->wait_for_step(1);
  for (int i = 0; i < 5; ++i) ask(turn_of("ann", {1}));
  for (int i = 0; i < 2; ++i) ask(turn_of("bo", {2}));
  model_->wait_for_step(2);
  EXPECT_EQ(model_->added(), (std::vector<std::string>{"ann", "ann", "bo", "bo"}));
  EXPECT_EQ(engine_->state().rows, 4);
}

TEST_F(EngineTest, ALoneOwnerHoldsAllRows) {
  begin({.max_rows = 4}, 50);
  ask(turn_of("ann", {1}));
  model_->wait_for_step(1);
  for (int i = 0; i < 5; ++i) ask(turn_of("ann", {1}));
  model_->wait_for_step(2);
  EXPECT_EQ(model_->added().size(), 4U);
  EXPECT_EQ(engine_->state().waiting, 2);
}

TEST_F(EngineTest, ABeamCostsItsRowsAndSmallTurnsDoNotOvertakeIt) {
  begin({.max_rows = 4}, 2);
  const auto small = ask(turn_of("ann", {1}));
  model_->wait_for_step(1);
  const auto large = ask(beam_of("bo", 4));
  const auto behind = ask(turn_of("cy", {3}));
  model_->wait_for_step(3);
  EXPECT_EQ(model_->added(), std::vector<std::string>{"ann"});
  model_->run_free();
  for (const auto& listener : {small, large, behind})
    EXPECT_EQ(listener->wait().finish, Finish::kStop);
  EXPECT_EQ(model_->added(), (std::vector<std::string>{"ann", "bo", "cy"}));
}

TEST_F(EngineTest, ATurnOfMoreRowsThanThereAreRunsAlone) {
  begin({.max_rows = 2}, 2);
  const auto large = ask(beam_of("ann", 8));
  const auto small = ask(turn_of("bo", {1}));
  model_->wait_for_step(1);
  EXPECT_EQ(model_->added(), std::vector<std::string>{"ann"});
  model_->run_free();
  EXPECT_EQ(large->wait().finish, Finish::kStop);
  EXPECT_EQ(small->wait().finish, Finish::kStop);
}

TEST_F(EngineTest, TooManyWaitingAreRefusedAndTheirListenersNotCalled) {
  begin({.max_rows = 1, .max_waiting = 2}, 2);
  const auto runs = ask(turn_of("ann", {1}));
  model_->wait_for_step(1);
  ask(turn_of("ann", {1}));
  ask(turn_of("ann", {1}));
  const auto refused = std::make_shared<Listener>();
  EXPECT_FALSE(engine_->submit(turn_of("bo", {1}), refused));
  EXPECT_EQ(refused.use_count(), 1);
  EXPECT_GT(engine_->expected_wait(), Clock::duration(-1));
}

TEST_F(EngineTest, AFailingModelEndsTheTurnsThatItLost) {
  begin({}, 5);
  model_->fail_to_add(true);
  EXPECT_EQ(ask(turn_of("ann", {1}))->wait().finish, Finish::kError);
  model_->fail_to_add(false);
  const auto one = ask(turn_of("ann", {1})), two = ask(turn_of("bo", {1}));
  model_->wait_for_step(2);
  model_->fail_to_step(true);
  model_->run_free();
  EXPECT_EQ(one->wait().finish, Finish::kError);
  EXPECT_EQ(two->wait().finish, Finish::kError);
}

TEST_F(EngineTest, RunningTurnsEndOnTheirModelAndNewOnesStartOnTheNext) {
  begin({}, 3);
  const auto old = ask(turn_of("ann", {1}));
  model_->wait_for_step(2);
  engine_->swap(std::make_shared<NullModel>(1));
  const auto fresh = ask(turn_of("bo", {2}));
  model_->run_free();
  EXPECT_EQ(old->wait().replies.best.at(0).ids.size(), 3U);
  EXPECT_EQ(fresh->wait().replies.best.at(0).ids.size(), 1U);
}

TEST_F(EngineTest, ItsEndEndsEveryTurn) {
  begin({.max_rows = 1}, 1000);
  const auto runs = ask(turn_of("ann", {1}));
  model_->wait_for_step(1);
  const auto waits = ask(turn_of("bo", {1}));
  model_->run_free();
  engine_.reset();
  EXPECT_NE(runs->wait().finish, Finish::kError);
  EXPECT_NE(waits->wait().finish, Finish::kError);
}

/// Fails when it is told of a reply.
class FailingListener : public Listener {
 public:
  void committed(const TurnProgress& /*progress*/) override { throw base::Error("no"); }
};

TEST_F(EngineTest, AListenerThatFailsEndsItsOwnTurnAndNoOther) {
  begin({});
  const auto failing = std::make_shared<FailingListener>();
  ASSERT_TRUE(engine_->submit(turn_of("ann", {5}), failing));
  const auto sound = ask(turn_of("bob", {6}));
  model_->run_free();
  EXPECT_EQ(failing->wait().finish, Finish::kError);
  EXPECT_EQ(sound->wait().finish, Finish::kStop);
  EXPECT_EQ(engine_->state().failures, 1U);
}

TEST_F(EngineTest, AForgottenConversationIsToldWhileNothingRuns) {
  begin({});
  engine_->forget("a");
  engine_->forget("b");
  model_->wait_for_forgotten(2);
}

TEST_F(EngineTest, FiftyOwnersAtOnceGetWhatTheySaid) {
  model_ = nullptr;
  engine_ = std::make_unique<Engine>(std::make_shared<NullModel>(7),
                                     EngineLimits{.max_rows = 8, .max_waiting = 100'000});
  std::vector<std::jthread> people;
  people.reserve(50);
  for (data::TokenId person = 0; person < 50; ++person)
    people.emplace_back([this, person] {
      for (data::TokenId i = 0; i < 20; ++i) {
        const auto listener = std::make_shared<Listener>();
        const auto number = engine_->submit(turn_of(std::to_string(person), {person, i}), listener);
        ASSERT_TRUE(number);
        if (i % 5 == 4) engine_->cancel(*number);
        const auto end = listener->wait();
        if (end.finish == Finish::kCancelled) continue;
        EXPECT_EQ(end.replies.best.at(0).ids, (Ids{person, i, person, i, person, i, person}));
      }
    });
  people.clear();
  const auto state = engine_->state();
  EXPECT_EQ(state.failures, 0U);
  EXPECT_EQ(state.waiting, 0);
}

TEST(FairQueueTest, DeadJobsAreTakenOutOfAllQueues) {
  FairQueue<int> queue;
  for (const int job : {1, 2, 3, 4}) queue.push(job % 2 == 0 ? "even" : "odd", job);
  std::set<int> dead;
  queue.take_dead([](int job) { return job != 3; }, [&](int job) { dead.insert(job); });
  EXPECT_EQ(dead, (std::set<int>{1, 2, 4}));
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.owners(), 1U);
  const auto any = [](const std::string&, int) { return Pick::kTake; };
  EXPECT_EQ(queue.pop(any), 3);
  EXPECT_EQ(queue.pop(any), std::nullopt);
}

}  // namespace
}  // namespace banter::serve
