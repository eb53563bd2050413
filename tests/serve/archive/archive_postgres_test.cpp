// What a PostgreSQL archive does besides: leases, and a server that goes away.
#include <atomic>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "serve/archive/storage_error.h"
#include "tests/serve/archive/archive_calls.h"
#include "tests/serve/archive/postgres_server.h"

namespace banter::serve {
namespace {

using std::chrono::seconds;

class ArchivePostgresTest : public testing::Test {
 protected:
  static void TearDownTestSuite() { server().reset(); }

  void SetUp() override {
    if (const auto why = tests::PostgresServer::why_not(); !why.empty()) GTEST_SKIP() << why;
    if (!server()) server() = std::make_unique<tests::PostgresServer>();
    url_ = server()->make_database();
  }

  [[nodiscard]] std::unique_ptr<Archive> opened(const std::string& holder) {
    ArchiveOptions options;
    options.holder = holder;
    options.lease = seconds(30);
    options.tidy_every = options.retry_every = std::chrono::hours(1);  // only when we say so
    options.busy_timeout = std::chrono::milliseconds(100);
    options.now = [this] { return now_.load(); };
    return open_archive(url_, options);
  }
  void pass(std::chrono::milliseconds time) { now_ = now_.load() + time; }

  static std::unique_ptr<tests::PostgresServer>& server() {
    static std::unique_ptr<tests::PostgresServer> one;  // of all tests: its start takes seconds
    return one;
  }

 private:
  std::string url_;
  std::atomic<WallTime> now_{WallTime(std::chrono::milliseconds(1'800'000'000'000))};
};

TEST_F(ArchivePostgresTest, ASessionIsHeldByOneServer) {
  const auto a = opened("a");
  const auto b = opened("b");
  make_session(*a);
  const auto reply = say(*a, "s", "m1").value.reply;
  EXPECT_TRUE(b->find_session("s")) << "everybody may look";
  EXPECT_EQ(say(*b, "s", "m2").status, WriteStatus::kHeld);
  EXPECT_EQ(answer(*b, reply).status, WriteStatus::kHeld);
  EXPECT_EQ(await(*b, &Archive::resume_session, {"s", "h0", "h1"}).status, WriteStatus::kHeld);
  EXPECT_EQ(await(*b, &Archive::delete_session, "s").status, WriteStatus::kHeld);
  EXPECT_EQ(b->find_session("s").value().resume_hash, "h0");

  await(*b, &Archive::release_session, "s");
  EXPECT_EQ(say(*b, "s", "m2").status, WriteStatus::kHeld) << "only its holder lets it go";
  await(*a, &Archive::release_session, "s");
  EXPECT_EQ(say(*b, "s", "m2").status, WriteStatus::kDone);
  EXPECT_EQ(say(*a, "s", "m3").status, WriteStatus::kHeld);
  b->close();
  EXPECT_EQ(say(*a, "s", "m3").status, WriteStatus::kDone) << "who closes lets go of all";
}

TEST_F(ArchivePostgresTest, ALeaseThatEndedIsTakenAndItsOldHolderShutOut) {
  const auto a = opened("a");
  const auto b = opened("b");
  make_session(*a);
  const auto reply = say(*a, "s", "m1").value.reply;
  pass(seconds(20));
  await_tidy(*a);  // renews
  pass(seconds(20));
  EXPECT_EQ(say(*b, "s", "m2").status, WriteStatus::kHeld);
  pass(seconds(20));
  EXPECT_EQ(await(*b, &Archive::resume_session, {"s", "h0", "h1"}).status, WriteStatus::kDone);
  EXPECT_EQ(answer(*a, reply, "too late").status, WriteStatus::kHeld);
  EXPECT_EQ(b->owed("s").size(), 1U);
  EXPECT_EQ(answer(*b, reply, "in time").status, WriteStatus::kDone);
  await_tidy(*a);
  pass(seconds(20));
  EXPECT_EQ(say(*a, "s", "m2").status, WriteStatus::kHeld) << "it renews only what it holds";
}

TEST_F(ArchivePostgresTest, TwoServersCannotHaveOneName) {
  auto a = opened("a");
  make_session(*a);
  try {
    EXPECT_FALSE(opened("a")) << "both are named a";
  } catch (const StorageError& error) {
    EXPECT_NE(std::string(error.what()).find("another server is named a"), std::string::npos)
        << error.what();
  }
  a.reset();
  EXPECT_EQ(say(*opened("a"), "s", "m1").status, WriteStatus::kDone);
  EXPECT_TRUE(opened("")->find_session("s"));
}

TEST_F(ArchivePostgresTest, AServerThatCrashedIsFoundAgain) {
  const auto archive = opened("a");
  make_session(*archive);
  exchange(*archive, "s", "m1");
  server()->stop_at_once();
  const auto failed = say(*archive, "s", "m2");
  EXPECT_EQ(failed.status, WriteStatus::kFailed);
  EXPECT_NE(failed.error.find("PostgreSQL"), std::string::npos) << failed.error;
  EXPECT_FALSE(archive->state().is_writable);
  EXPECT_THROW(archive->find_session("s"), StorageError);
  EXPECT_EQ(say(*archive, "s", "m2").status, WriteStatus::kFailed);
  server()->start();
  await_tidy(*archive);
  EXPECT_TRUE(archive->state().is_writable);
  EXPECT_EQ(archive->dialogue("s", 0).size(), 2U);
  EXPECT_EQ(say(*archive, "s", "m2").status, WriteStatus::kDone);
}

TEST_F(ArchivePostgresTest, AServerThatIsNotThereIsToldWithoutThePassword) {
  try {
    open_archive("postgres://banter:secret@/nowhere?host=/nowhere");
    FAIL() << "it was opened";
  } catch (const StorageError& error) {
    EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace banter::serve
