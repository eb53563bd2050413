// What every archive does, whatever database keeps it.
#include "serve/archive/archive.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/serve/archive/archive_calls.h"
#include "tests/serve/archive/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace banter::serve {
namespace {

using std::chrono::days;
using std::chrono::hours;

class ArchiveTest : public testing::TestWithParam<std::string> {
 protected:
  static void TearDownTestSuite() { server().reset(); }

  void SetUp() override {
    if (GetParam() == "sqlite") {
      url_ = folder_ / "archive.sqlite";
    } else {
      if (const auto why = tests::PostgresServer::why_not(); !why.empty()) GTEST_SKIP() << why;
      if (!server()) server() = std::make_unique<tests::PostgresServer>();
      url_ = server()->make_database();
    }
    options_.now = [this] { return now_.load(); };
    open();
  }

  void open() {
    archive_.reset();
    archive_ = open_archive(url_, options_);
  }
  Archive& archive() { return *archive_; }
  void pass(std::chrono::milliseconds time) { now_ = now_.load() + time; }

  ArchiveOptions options_;
  std::atomic<WallTime> now_{WallTime(std::chrono::milliseconds(1'800'000'000'123))};

 private:
  static std::unique_ptr<tests::PostgresServer>& server() {
    static std::unique_ptr<tests::PostgresServer> one;  // of all tests: its start takes seconds
    return one;
  }
  const tests::TemporaryFolder folder_;
  std::string url_;
  std::unique_ptr<Archive> archive_;
};

TEST_P(ArchiveTest, ASessionIsFoundAsItWasMade) {
  const auto made = await(
      archive(), &Archive::create_session,
      {.id = "s", .user = "u", .resume_hash = "h", .persona = "[\"p\"]", .decode = "{\"seed\":1}"});
  ASSERT_EQ(made.status, WriteStatus::kDone);
  const auto found = archive().find_session("s");
  ASSERT_TRUE(found);
  for (const auto& session : {made.value, *found}) {
    EXPECT_EQ(session.id, "s");
    EXPECT_EQ(session.user, "u");
    EXPECT_EQ(session.resume_hash, "h");
    EXPECT_EQ(session.resume_hash_before, "");
    EXPECT_EQ(session.persona, "[\"p\"]");
    EXPECT_EQ(session.decode, "{\"seed\":1}");
    EXPECT_EQ(session.dialogue, 0);
    EXPECT_EQ(session.epoch, 1);
    EXPECT_EQ(session.created, now_.load());
    EXPECT_EQ(session.seen, now_.load());
    EXPECT_FALSE(session.expires);
  }
  EXPECT_FALSE(archive().find_session("other"));
  EXPECT_EQ(make_session(archive()).status, WriteStatus::kKnown);
  EXPECT_EQ(archive().find_session("s").value().resume_hash, "h");
}

TEST_P(ArchiveTest, AMessageIsStoredWithTheReplyThatIsOwed) {
  make_session(archive());
  const auto first = say(archive(), "s", "m1", "How are you?");
  ASSERT_EQ(first.status, WriteStatus::kDone);
  EXPECT_EQ(first.value.user.turn, 0);
  EXPECT_EQ(first.value.reply.turn, 1);

  const auto owed = archive().owed("s");
  ASSERT_EQ(owed.size(), 1U);
  EXPECT_TRUE(owed[0].is_owed());
  EXPECT_EQ(owed[0].turn, 1);
  EXPECT_EQ(owed[0].version, 0);
  EXPECT_EQ(owed[0].seed, 7U);
  EXPECT_EQ(owed[0].decode, "{\"top_k\":3}");
  EXPECT_EQ(owed[0].persona, "[\"I row.\"]");
  const auto before = archive().dialogue("s", 0);
  ASSERT_EQ(before.size(), 1U) << "an owed reply is no turn yet";
  EXPECT_EQ(before[0].role, TurnRole::kUser);
  EXPECT_EQ(before[0].text, "How are you?");
  EXPECT_EQ(before[0].client_id, "m1");

  ASSERT_EQ(answer(archive(), owed[0], "Well.").status, WriteStatus::kDone);
  EXPECT_TRUE(archive().owed("s").empty());
  const auto after = archive().dialogue("s", 0);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[1].role, TurnRole::kReply);
  EXPECT_EQ(after[1].text, "Well.");
  EXPECT_EQ(after[1].finish, "stop");
  EXPECT_EQ(after[1].attention, "[]");
  EXPECT_EQ(after[1].consistency, "[{}]");
  EXPECT_EQ(after[1].revision, "r1");
  EXPECT_EQ(after[1].ms_queue, 2);
  EXPECT_EQ(after[1].ms_total, 30);
  EXPECT_EQ(after[1].created, now_.load());
  EXPECT_EQ(say(archive(), "s", "m2").value.user.turn, 2);
  EXPECT_EQ(say(archive(), "nobody", "m1").status, WriteStatus::kMissing);
}

TEST_P(ArchiveTest, AMessageThatIsKnownIsNotStoredAgain) {
  make_session(archive());
  make_session(archive(), "t");
  const auto first = say(archive(), "s", "m1", "one");
  const auto owed = say(archive(), "s", "m1", "two");
  EXPECT_EQ(owed.status, WriteStatus::kKnown);
  EXPECT_EQ(owed.value.user.text, "one");
  EXPECT_TRUE(owed.value.reply.is_owed());

  answer(archive(), first.value.reply, "the reply");
  await(archive(), &Archive::start_dialogue, "s");
  const auto finished = say(archive(), "s", "m1", "three");
  EXPECT_EQ(finished.status, WriteStatus::kKnown);
  EXPECT_EQ(finished.value.user.dialogue, 0);
  EXPECT_EQ(finished.value.reply.text, "the reply");
  EXPECT_TRUE(archive().dialogue("s", 1).empty());
  EXPECT_EQ(say(archive(), "t", "m1").status, WriteStatus::kDone) << "ids are a session's own";
}

TEST_P(ArchiveTest, AReplyIsFilledInOnce) {
  make_session(archive());
  const auto reply = say(archive(), "s", "m1").value.reply;
  EXPECT_EQ(answer(archive(), reply, "first").status, WriteStatus::kDone);
  const auto again = answer(archive(), reply, "second");
  EXPECT_EQ(again.status, WriteStatus::kKnown);
  EXPECT_EQ(again.value.text, "first");
  EXPECT_EQ(archive().dialogue("s", 0).at(1).text, "first");

  auto none = reply;
  none.version = 1;
  EXPECT_EQ(answer(archive(), none).status, WriteStatus::kMissing);
  none = reply;
  none.turn = 0;
  EXPECT_EQ(answer(archive(), none).status, WriteStatus::kMissing) << "a user's turn is no reply";
  FinishedReply endless{.session = "s", .turn = 1};
  EXPECT_THROW(archive().finish_reply(endless, [](auto) {}), std::invalid_argument);
}

TEST_P(ArchiveTest, AReplyMayHaveVersions) {
  make_session(archive());
  exchange(archive(), "s", "m1");
  const auto next = await(archive(), &Archive::add_version,
                          {.session = "s", .turn = 1, .client_id = "g1", .decode = "{}"});
  ASSERT_EQ(next.status, WriteStatus::kDone);
  EXPECT_EQ(next.value.version, 1);
  EXPECT_EQ(next.value.seed, 8U) << "the next after 7";
  EXPECT_EQ(archive().owed("s").at(0).client_id, "g1");
  auto page = archive().history("s", 0, {}, 10);
  EXPECT_EQ(page.items.at(1).turn.version, 0) << "what is owed is not shown";
  EXPECT_EQ(page.items.at(1).versions, 1);

  answer(archive(), next.value, "other words");
  const auto given = await(archive(), &Archive::add_version,
                           {.session = "s", .turn = 1, .client_id = "g2", .seed = 99});
  EXPECT_EQ(given.value.seed, 99U);
  EXPECT_EQ(given.value.version, 2);
  page = archive().history("s", 0, {}, 10);
  ASSERT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.items[1].turn.text, "other words");
  EXPECT_EQ(page.items[1].turn.version, 1);
  EXPECT_EQ(page.items[1].versions, 2);
  EXPECT_EQ(page.items[0].versions, 1);
  EXPECT_EQ(archive().dialogue("s", 0).size(), 3U);

  const auto known =
      await(archive(), &Archive::add_version, {.session = "s", .turn = 1, .client_id = "g1"});
  EXPECT_EQ(known.status, WriteStatus::kKnown);
  EXPECT_EQ(known.value.text, "other words");
  const auto message = say(archive(), "s", "g1");
  EXPECT_EQ(message.status, WriteStatus::kKnown);
  EXPECT_EQ(message.value.user.client_id, "m1");
  for (const std::int64_t turn : {0, 2, -1}) {
    const auto none =
        await(archive(), &Archive::add_version, {.session = "s", .turn = turn, .client_id = "g3"});
    EXPECT_EQ(none.status, WriteStatus::kMissing) << turn;
  }
}

TEST_P(ArchiveTest, ARatingIsOfTheLatestFinishedVersion) {
  make_session(archive());
  const auto reply = say(archive(), "s", "m1").value.reply;
  EXPECT_EQ(await(archive(), &Archive::rate, {"s", 1, 1}).status, WriteStatus::kMissing);
  answer(archive(), reply);
  await(archive(), &Archive::add_version, {.session = "s", .turn = 1, .client_id = "g"});
  EXPECT_EQ(await(archive(), &Archive::rate, {"s", 1, -1}).value.version, 0);
  EXPECT_EQ(archive().dialogue("s", 0).at(1).rating, -1);
  EXPECT_EQ(await(archive(), &Archive::rate, {"s", 1, 0}).status, WriteStatus::kDone);
  EXPECT_EQ(archive().dialogue("s", 0).at(1).rating, 0);
  EXPECT_EQ(await(archive(), &Archive::rate, {"s", 0, 1}).status, WriteStatus::kMissing);
  EXPECT_EQ(await(archive(), &Archive::rate, {"nobody", 1, 1}).status, WriteStatus::kMissing);
  EXPECT_THROW(archive().rate({"s", 1, 2}, [](auto) {}), std::invalid_argument);
}

TEST_P(ArchiveTest, ANewDialogueBeginsAtTurnZeroAndTheOldOneStays) {
  make_session(archive());
  exchange(archive(), "s", "m1");
  const auto moved = await(archive(), &Archive::start_dialogue, "s");
  EXPECT_EQ(moved.value.dialogue, 1);
  EXPECT_EQ(archive().find_session("s").value().dialogue, 1);
  const auto said = say(archive(), "s", "m2");
  EXPECT_EQ(said.value.user.dialogue, 1);
  EXPECT_EQ(said.value.user.turn, 0);
  EXPECT_EQ(archive().dialogue("s", 0).size(), 2U);
  EXPECT_EQ(await(archive(), &Archive::rate, {"s", 1, 1}).status, WriteStatus::kMissing)
      << "ratings are of the current dialogue";
}

TEST_P(ArchiveTest, HistoryComesInPagesFromTheEnd) {
  make_session(archive());
  for (int i = 0; i < 12; ++i) exchange(archive(), "s", "m" + std::to_string(i));
  const auto turns_of = [](const HistoryPage& page) {
    std::vector<std::int64_t> turns;
    for (const auto& item : page.items) turns.push_back(item.turn.turn);
    return turns;
  };
  auto page = archive().history("s", 0, {}, 5);
  EXPECT_EQ(turns_of(page), (std::vector<std::int64_t>{19, 20, 21, 22, 23}));
  EXPECT_TRUE(page.has_more);
  page = archive().history("s", 0, 19, 17);
  EXPECT_EQ(turns_of(page).front(), 2);
  EXPECT_EQ(turns_of(page).back(), 18);
  EXPECT_TRUE(page.has_more);
  page = archive().history("s", 0, 2, 2);
  EXPECT_EQ(turns_of(page), (std::vector<std::int64_t>{0, 1}));
  EXPECT_FALSE(page.has_more);
  EXPECT_TRUE(archive().history("s", 0, 0, 5).items.empty());
  EXPECT_TRUE(archive().history("nobody", 0, {}, 5).items.empty());
}

TEST_P(ArchiveTest, ALostReadyLosesNoSession) {
  make_session(archive());  // h0 was given out
  const auto resume = [&](const std::string& shown, const std::string& next) {
    return await(archive(), &Archive::resume_session, {"s", shown, next}).status;
  };
  EXPECT_EQ(resume("h0", "h1"), WriteStatus::kDone);  // its ready is lost
  EXPECT_EQ(resume("h0", "h2"), WriteStatus::kDone) << "h0 lives until its successor is proven";
  EXPECT_EQ(resume("h1", "h9"), WriteStatus::kDenied) << "h1 was never received";
  EXPECT_EQ(await_proof(archive(), "s", "h2").status, WriteStatus::kDone);
  EXPECT_EQ(resume("h0", "h9"), WriteStatus::kDenied);
  EXPECT_EQ(resume("", "h9"), WriteStatus::kDenied) << "no empty token, though none is before";
  EXPECT_EQ(resume("h2", "h3"), WriteStatus::kDone);
  EXPECT_EQ(await(archive(), &Archive::resume_session, {"nobody", "h3", "h9"}).status,
            WriteStatus::kMissing);
}

/// The rule itself, to compare with.
struct TokenRule {
  std::string last = "h0", before;
  bool resume(const std::string& shown, const std::string& next) {
    if (shown != last && (before.empty() || shown != before)) return false;
    before = shown;
    last = next;
    return true;
  }
  bool prove(const std::string& hash) {
    if (hash != last) return false;
    before.clear();
    return true;
  }
};

TEST_P(ArchiveTest, ResumeTokensFollowTheirRuleInAnyOrder) {
  make_session(archive());
  TokenRule rule;
  std::vector<std::string> given = {"h0"};
  for (std::uint64_t step = 0; step < 150; ++step) {
    const auto random = base::join_keys(17, step);
    const auto back = std::min<std::size_t>(random % 4, given.size() - 1);
    const auto& hash = given[given.size() - 1 - back];
    if (random / 4 % 3 == 0) {
      const bool is_proven = await_proof(archive(), "s", hash).status == WriteStatus::kDone;
      EXPECT_EQ(is_proven, rule.prove(hash)) << step;
      continue;
    }
    const auto next = "h" + std::to_string(step + 1);
    const auto status = await(archive(), &Archive::resume_session, {"s", hash, next}).status;
    const bool is_valid = rule.resume(hash, next);
    EXPECT_EQ(status, is_valid ? WriteStatus::kDone : WriteStatus::kDenied) << step;
    if (is_valid) given.push_back(next);
  }
  EXPECT_GT(given.size(), 10U);
  EXPECT_EQ(archive().find_session("s").value().resume_hash, rule.last);
  EXPECT_EQ(archive().find_session("s").value().resume_hash_before, rule.before);
}

TEST_P(ArchiveTest, ADeniedResumeLeavesTheSessionUntouched) {
  make_session(archive());
  const auto seen = now_.load();
  pass(hours(1));
  await(archive(), &Archive::resume_session, {"s", "guess", "h1", true});
  const auto session = archive().find_session("s").value();
  EXPECT_EQ(session.seen, seen);
  EXPECT_EQ(session.epoch, 1);
  EXPECT_EQ(session.resume_hash, "h0");
}

TEST_P(ArchiveTest, AnEpochIsALifeInAServer) {
  make_session(archive());
  EXPECT_EQ(await(archive(), &Archive::resume_session, {"s", "h0", "h1"}).value.epoch, 1);
  open();
  EXPECT_EQ(await(archive(), &Archive::resume_session, {"s", "h1", "h2", true}).value.epoch, 2);
}

TEST_P(ArchiveTest, PersonaAndDecodingChangeAlone) {
  make_session(archive());
  await(archive(), &Archive::change_session, {.session = "s", .persona = "[\"I ski.\"]"});
  EXPECT_EQ(archive().find_session("s").value().persona, "[\"I ski.\"]");
  EXPECT_EQ(archive().find_session("s").value().decode, "{}");
  await(archive(), &Archive::change_session, {.session = "s", .decode = "{\"n\":2}"});
  EXPECT_EQ(archive().find_session("s").value().persona, "[\"I ski.\"]");
  EXPECT_EQ(archive().find_session("s").value().decode, "{\"n\":2}");
  EXPECT_EQ(await(archive(), &Archive::change_session, {.session = "nobody"}).status,
            WriteStatus::kMissing);
}

TEST_P(ArchiveTest, ADeletedSessionLeavesNothing) {
  make_session(archive());
  make_session(archive(), "t");
  exchange(archive(), "s", "m1");
  exchange(archive(), "t", "m1");
  EXPECT_EQ(await(archive(), &Archive::delete_session, "s").status, WriteStatus::kDone);
  EXPECT_FALSE(archive().find_session("s"));
  EXPECT_TRUE(archive().dialogue("s", 0).empty());
  EXPECT_EQ(await(archive(), &Archive::delete_session, "s").status, WriteStatus::kMissing);
  EXPECT_EQ(archive().dialogue("t", 0).size(), 2U);
}

TEST_P(ArchiveTest, ASessionExpiresWhenItWasNotSeenForLong) {
  options_.keep = days(30);
  open();
  make_session(archive(), "idle");
  make_session(archive(), "used");
  exchange(archive(), "idle", "m1");
  pass(days(20));
  exchange(archive(), "used", "m1");
  pass(days(11));
  EXPECT_FALSE(archive().find_session("idle")) << "gone at once, before it is deleted";
  EXPECT_EQ(say(archive(), "idle", "m2").status, WriteStatus::kMissing);
  EXPECT_EQ(await(archive(), &Archive::resume_session, {"idle", "h0", "h1"}).status,
            WriteStatus::kMissing);
  EXPECT_EQ(await_expiry(archive()).value, 1);
  EXPECT_TRUE(archive().dialogue("idle", 0).empty());
  EXPECT_EQ(archive().dialogue("used", 0).size(), 2U);
  pass(days(30));
  await_tidy(archive());  // as the timer does
  EXPECT_TRUE(archive().dialogue("used", 0).empty());
}

TEST_P(ArchiveTest, KeepingLongerOrForEverHoldsForOldSessionsToo) {
  options_.keep = days(1);
  open();
  make_session(archive());
  options_.keep = days(10);
  open();
  pass(days(5));
  EXPECT_TRUE(archive().find_session("s"));
  options_.keep.reset();
  open();
  pass(days(10'000));
  EXPECT_TRUE(archive().find_session("s"));
  EXPECT_EQ(await_expiry(archive()).value, 0);
}

TEST_P(ArchiveTest, TextOfStrangersIsInert) {
  make_session(archive());
  const std::vector<std::string> texts = {"'); DROP TABLE turn; --",
                                          "$1 ?1 :a @b %s",
                                          "\" OR 1=1",
                                          "<script>alert(1)</script>",
                                          "`rm -rf /`; $(id)",
                                          "../../etc/passwd",
                                          "a\r\nb\x1B[31m\x7F",
                                          "\xF0\x9F\x92\xA9 \xD7\xA9",
                                          "\xE2\x80\xAE\xE2\x80\x8B",
                                          "</s>[DONE]",
                                          std::string(60'000, 'w'),
                                          "\\",
                                          "{}",
                                          "NULL"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto id = texts[i].substr(0, 64);
    const auto said = say(archive(), "s", id, texts[i]);
    ASSERT_EQ(said.status, WriteStatus::kDone) << i << said.error;
    answer(archive(), said.value.reply, texts[i]);
    EXPECT_EQ(say(archive(), "s", id).value.reply.text, texts[i]);
    EXPECT_FALSE(archive().find_session(texts[i]));
  }
  const auto turns = archive().dialogue("s", 0);
  ASSERT_EQ(turns.size(), 2 * texts.size());
  for (std::size_t i = 0; i < turns.size(); ++i) EXPECT_EQ(turns[i].text, texts[i / 2]);
  EXPECT_THROW(say(archive(), "s", "m", std::string("a\0b", 3)), std::invalid_argument);
  EXPECT_THROW(say(archive(), "s", "m", "\xC0\xAF"), std::invalid_argument);
  EXPECT_THROW(archive().find_session("\xFF"), std::invalid_argument);
}

TEST_P(ArchiveTest, ASeedKeepsAllItsBits) {
  make_session(archive());
  constexpr auto kLast = std::numeric_limits<std::uint64_t>::max();
  await(archive(), &Archive::add_message,
        {.session = "s", .client_id = "m", .text = "hi", .seed = kLast});
  EXPECT_EQ(archive().owed("s").at(0).seed, kLast);
  const auto next =
      await(archive(), &Archive::add_version, {.session = "s", .turn = 1, .client_id = "g"});
  EXPECT_EQ(next.value.seed, 0U);
}

TEST_P(ArchiveTest, EverythingIsThereAfterAReopen) {
  make_session(archive());
  exchange(archive(), "s", "m1");
  say(archive(), "s", "m2");
  await_meta(archive(), "checkpoint", "c1");
  await_meta(archive(), "checkpoint", "c2");
  open();
  EXPECT_EQ(archive().find_session("s").value().resume_hash, "h0");
  EXPECT_EQ(archive().dialogue("s", 0).size(), 3U);
  EXPECT_EQ(archive().owed("s").at(0).turn, 3);
  EXPECT_EQ(archive().meta("checkpoint"), "c2");
  EXPECT_FALSE(archive().meta("tokenizer"));
}

TEST_P(ArchiveTest, WritesOfManyThreadsShareCommitsAndKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kMessages = 50;
  for (int t = 0; t < kThreads; ++t) make_session(archive(), "s" + std::to_string(t));
  const auto before = archive().state();
  std::array<std::vector<std::string>, kThreads> called;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kMessages; ++i) {
        const auto id = std::to_string(i);
        archive().add_message(
            {.session = "s" + std::to_string(t), .client_id = id, .text = id},
            [&, t](WriteResult<MessageRows> result) {
              called.at(static_cast<std::size_t>(t)).push_back(result.value.user.client_id);
            });
        if (i % 10 == 0) archive().history("s" + std::to_string(t), 0, {}, 10);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  await_expiry(archive());  // the last of all writes
  for (int t = 0; t < kThreads; ++t) {
    const auto turns = archive().dialogue("s" + std::to_string(t), 0);
    ASSERT_EQ(turns.size(), static_cast<std::size_t>(kMessages));
    for (int i = 0; i < kMessages; ++i) {
      EXPECT_EQ(turns[static_cast<std::size_t>(i)].turn, 2 * i);
      EXPECT_EQ(turns[static_cast<std::size_t>(i)].text, std::to_string(i));
      EXPECT_EQ(called.at(static_cast<std::size_t>(t)).at(static_cast<std::size_t>(i)),
                std::to_string(i));
    }
  }
  const auto after = archive().state();
  EXPECT_EQ(after.writes - before.writes, std::uint64_t{kThreads * kMessages + 1});
  EXPECT_LT(after.commits.count() - before.commits.count(), std::uint64_t{kThreads * kMessages});
  EXPECT_EQ(after.waiting, 0U);
  EXPECT_EQ(after.errors, 0U);
  EXPECT_TRUE(after.is_writable);
}

TEST_P(ArchiveTest, ClosingWritesWhatWaits) {
  make_session(archive());
  std::atomic<int> done = 0;
  for (int i = 0; i < 200; ++i) {
    archive().add_message({.session = "s", .client_id = std::to_string(i), .text = "hi"},
                          [&](WriteResult<MessageRows> result) {
                            if (result.status == WriteStatus::kDone) ++done;
                          });
  }
  archive().close();
  EXPECT_EQ(done, 200);
  open();
  EXPECT_EQ(archive().owed("s").size(), 200U);
}

TEST_P(ArchiveTest, ACallBackMayAskForMore) {
  make_session(archive());
  std::promise<std::string> text;
  archive().add_message(
      {.session = "s", .client_id = "m", .text = "hi"}, [&](WriteResult<MessageRows> said) {
        const auto& owed = said.value.reply;
        archive().finish_reply(
            {.session = "s",
             .dialogue = owed.dialogue,
             .turn = owed.turn,
             .version = owed.version,
             .text = "there",
             .finish = "stop"},
            [&](WriteResult<TurnRow> reply) { text.set_value(reply.value.text); });
      });
  EXPECT_EQ(text.get_future().get(), "there");
}

INSTANTIATE_TEST_SUITE_P(Databases, ArchiveTest, testing::Values("sqlite", "postgres"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace banter::serve
