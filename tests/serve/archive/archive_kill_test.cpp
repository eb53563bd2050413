// What was called back is there after a crash, once.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/serve/archive/archive_calls.h"
#include "tests/serve/archive/postgres_server.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::serve {
namespace {

using SessionAndId = std::pair<std::string, std::string>;

/// What a child was told, from the lines that it printed whole.
struct Told {
  std::set<SessionAndId> messages;
  std::map<SessionAndId, std::int64_t> replies;  ///< -> turn

  void add(const std::string& out) {
    std::istringstream lines(out.substr(0, out.rfind('\n') + 1));
    for (std::string kind, session, id; lines >> kind;) {
      if (kind == "failed") continue;
      lines >> session >> id;
      if (kind == "message") messages.emplace(session, id);
      if (kind == "reply") lines >> replies[{session, id}];
    }
  }
};

void expect_kept(Archive& archive, const Told& told) {
  std::map<SessionAndId, int> messages;
  std::map<SessionAndId, std::string> replies;
  std::size_t owed = 0;
  for (int i = 0; i < 8; ++i) {
    const auto session = "s" + std::to_string(i);
    std::map<std::int64_t, std::string> ids;
    for (const auto& turn : archive.dialogue(session, 0)) {
      if (turn.role == TurnRole::kUser) {
        EXPECT_EQ(turn.text, "text of " + turn.client_id);
        ++messages[{session, turn.client_id}];
        EXPECT_TRUE(ids.emplace(turn.turn, turn.client_id).second);
      } else {
        const auto& id = ids.at(turn.turn - 1);
        EXPECT_EQ(turn.text, "reply to " + id);
        EXPECT_TRUE(replies.emplace(SessionAndId(session, id), turn.text).second) << "doubled";
      }
    }
    owed += archive.owed(session).size();
  }
  for (const auto& message : told.messages)
    EXPECT_EQ(messages[message], 1) << message.first << " " << message.second;
  for (const auto& [reply, turn] : told.replies)
    EXPECT_TRUE(replies.contains(reply)) << reply.first << " " << reply.second;
  EXPECT_EQ(messages.size(), replies.size() + owed) << "each message has a reply, made or owed";
}

/// Answers what the dead process owed, as a server does when its sessions resume.
void pay(Archive& archive) {
  for (int i = 0; i < 8; ++i) {
    for (const auto& owed : archive.owed("s" + std::to_string(i))) {
      const auto before = archive.history(owed.session, 0, owed.turn, 1);
      const auto text = "reply to " + before.items.at(0).turn.client_id;
      EXPECT_EQ(answer(archive, owed, text).status, WriteStatus::kDone);
      EXPECT_EQ(answer(archive, owed, "doubled").status, WriteStatus::kKnown);
    }
  }
}

int kills() { return std::getenv("BANTER_LONG") != nullptr ? 200 : 10; }

/// Kills the program again and again, each time after another number of lines.
Told killed(const std::string& url, const std::function<void(const Told&)>& look) {
  Told told;
  for (int round = 0; round < kills(); ++round) {
    tests::Process program({ARCHIVE_PROGRAM, url, std::to_string(round)});
    const auto last = base::join_keys(3, static_cast<std::uint64_t>(round)) % 40;
    EXPECT_TRUE(program.wait_for("reply s" + std::to_string(last % 8) + " " +
                                 std::to_string(round) + "." + std::to_string(last) + " "))
        << program.err();
    program.kill(SIGKILL);
    told.add(program.wait().out);
    look(told);
  }
  return told;
}

TEST(ArchiveKillTest, SqliteKeepsWhatWasCalledBack) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "archive.sqlite";
  const auto told = killed(path, [&](const Told& so_far) {
    {
      const auto archive = open_archive(path);
      expect_kept(*archive, so_far);
      pay(*archive);
    }
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
    EXPECT_EQ(database.execAndGet("PRAGMA integrity_check").getString(), "ok");
  });
  EXPECT_GT(told.replies.size(), static_cast<std::size_t>(kills()));
}

TEST(ArchiveKillTest, PostgresKeepsWhatWasCalledBack) {
  if (const auto why = tests::PostgresServer::why_not(); !why.empty()) GTEST_SKIP() << why;
  tests::PostgresServer server;
  const auto url = server.make_database();
  const auto told = killed(url, [&](const Told& so_far) {
    ArchiveOptions options;
    options.holder = "program";  // the dead one's name: its sessions go on at once
    options.busy_timeout = std::chrono::minutes(1);
    const auto archive = open_archive(url, options);
    expect_kept(*archive, so_far);
    pay(*archive);
  });
  EXPECT_GT(told.replies.size(), static_cast<std::size_t>(kills()));
}

TEST(ArchiveKillTest, WhatTheDiskRefusedIsNeverCalledBack) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "archive.sqlite";
  const std::vector<std::string> strace = {"strace", "-f", "--seccomp-bpf",
                                           "-qq",    "-o", "/dev/null"};
  auto probe = strace;
  probe.emplace_back("true");
  try {
    if (tests::run(probe).exit_code != 0) GTEST_SKIP() << "strace may not trace here";
  } catch (const std::runtime_error&) {
    GTEST_SKIP() << "strace is not installed";
  }
  auto command = strace;
  command.insert(command.end(),
                 {"-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=40+25",
                  ARCHIVE_PROGRAM, path.string(), "0", "400"});
  const auto result = tests::run(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("failed"), std::string::npos);
  Told told;
  told.add(result.out);
  EXPECT_EQ(told.replies.size(), 400U) << "it goes on by itself";
  const auto archive = open_archive(path);
  expect_kept(*archive, told);
}

}  // namespace
}  // namespace banter::serve
