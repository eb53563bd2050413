// What a SQLite archive does when its file, its disk or its neighbours are not as they should be.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"
#include "serve/archive/readers.h"
#include "serve/archive/sqlite_backend.h"
#include "serve/archive/writer.h"
#include "tests/serve/archive/archive_calls.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace banter::serve {
namespace {

using std::filesystem::path;

class ArchiveStorageTest : public testing::Test {
 protected:
  ArchiveStorageTest() {
    options_.busy_timeout = std::chrono::milliseconds(50);
    options_.tidy_every = options_.retry_every = std::chrono::hours(1);  // only when we say so
    options_.log = [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      log_ += sentence + "\n";
    };
  }

  void open() {
    archive_.reset();
    archive_ = open_archive(file_, options_);
  }
  Archive& archive() { return *archive_; }
  [[nodiscard]] std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  std::string error_of_opening() {
    try {
      open();
    } catch (const base::Error& error) {
      return error.what();
    }
    return "";
  }

  /// Damaged databases that were moved aside.
  std::vector<path> aside() {
    std::vector<path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      const auto name = entry.path().filename().string();
      if (name.find(".corrupt-") != std::string::npos && !name.ends_with("-wal"))
        found.push_back(entry.path());
    }
    return found;
  }

  /// Overwrites the middle of the database, page headers and all.
  void damage() const {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file_));
    for (std::streamoff at = 4096; at < size; at += 512) {
      file.seekp(at);
      file << "not a page";
    }
  }

  void expect_failure_and_recovery(const std::function<void()>& mend) {
    const auto failed = say(archive(), "s", "lost");
    EXPECT_EQ(failed.status, WriteStatus::kFailed);
    EXPECT_NE(failed.error.find("archive.sqlite"), std::string::npos) << failed.error;
    EXPECT_FALSE(archive().state().is_writable);
    EXPECT_EQ(archive().state().error, failed.error);
    EXPECT_GT(archive().state().errors, 0U);
    mend();
    await_tidy(archive());  // the timer looks whether it works again
    EXPECT_TRUE(archive().state().is_writable);
    EXPECT_EQ(say(archive(), "s", "lost").status, WriteStatus::kDone);
    EXPECT_NE(log().find("can be written again"), std::string::npos) << log();
  }

  const tests::TemporaryFolder folder_;
  const path file_ = folder_ / "archive.sqlite";
  ArchiveOptions options_;

 private:
  std::mutex mutex_;
  std::string log_;
  std::unique_ptr<Archive> archive_;
};

TEST_F(ArchiveStorageTest, ASecondServerIsRefusedAndToldWhoHasIt) {
  open();
  try {
    open_archive("sqlite:" + file_.string());
    FAIL() << "it was opened twice";
  } catch (const base::FileError& error) {
    EXPECT_NE(std::string(error.what()).find("pid " + std::to_string(::getpid())),
              std::string::npos);
  }
}

TEST_F(ArchiveStorageTest, AUrlOfAnUnknownKindIsRefused) {
  for (const std::string url : {"", "sqlite:", "mysql://u:secret@h/d"}) {
    try {
      open_archive(url);
      FAIL() << url;
    } catch (const base::UsageError& error) {
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
  }
}

TEST_F(ArchiveStorageTest, OnlyItsOwnerMayReadIt) {
  open();
  make_session(archive());
  for (const auto* ending : {"", "-wal", "-shm"}) {
    struct stat found {};
    ASSERT_EQ(::stat((file_.string() + ending).c_str(), &found), 0) << ending;
    EXPECT_EQ(found.st_mode & 0777, 0600U) << ending;
  }
}

TEST_F(ArchiveStorageTest, ClosingLeavesTheDatabaseAlone) {
  open();
  make_session(archive());
  EXPECT_GT(archive().state().wal_bytes, 0U);
  await_tidy(archive());
  EXPECT_EQ(archive().state().wal_bytes, 0U) << "the timer empties the log";
  say(archive(), "s", "m");
  archive().close();
  EXPECT_FALSE(std::filesystem::exists(file_.string() + "-wal"));
}

TEST_F(ArchiveStorageTest, AFullDiskRefusesAndRecovers) {
  open();
  make_session(archive());
  say(archive(), "s", "m1", std::string(30'000, 'a'));
  std::optional<tests::FullDisk> full(std::filesystem::file_size(file_.string() + "-wal"));
  expect_failure_and_recovery([&] { full.reset(); });
  open();
  EXPECT_EQ(archive().owed("s").size(), 2U);
}

TEST_F(ArchiveStorageTest, AFullDiskFailsTheProbeToo) {
  open();
  make_session(archive());
  const tests::FullDisk full(std::filesystem::file_size(file_.string() + "-wal"));
  EXPECT_EQ(say(archive(), "s", "m1", std::string(30'000, 'a')).status, WriteStatus::kFailed);
  await_tidy(archive());
  EXPECT_FALSE(archive().state().is_writable) << "nothing was written to find out";
}

TEST_F(ArchiveStorageTest, ALockOfAnotherProgramRefusesAndRecovers) {
  open();
  make_session(archive());
  SQLite::Database other(file_.string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  expect_failure_and_recovery([&] { other.exec("COMMIT"); });
}

/// A file system of its own that can be made read-only, where we may mount.
class SmallDisk {
 public:
  explicit SmallDisk(const path& folder) : folder_(folder) {
    std::filesystem::create_directory(folder);
    is_there_ = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (is_there_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] bool is_remounted(unsigned long flags) const {
    return ::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | flags, "size=1m") == 0;
  }

 private:
  path folder_;
  bool is_there_;
};

TEST_F(ArchiveStorageTest, ADiskThatIsReallyFullKeepsWhatWasCalledBack) {
  const SmallDisk disk(folder_ / "disk");
  if (!disk.is_there()) GTEST_SKIP() << "mounting is not allowed here";
  const auto file = folder_ / "disk" / "archive.sqlite";
  int kept = 0;
  {
    const auto archive = open_archive(file, options_);
    make_session(*archive);
    const std::string text(20'000, 'a');
    while (say(*archive, "s", "m" + std::to_string(kept), text).status == WriteStatus::kDone)
      ++kept;
    EXPECT_GT(kept, 5);
    EXPECT_FALSE(archive->state().is_writable);
    EXPECT_EQ(archive->dialogue("s", 0).size(), static_cast<std::size_t>(kept)) << "reads go on";
  }
  const auto archive = open_archive(file, options_);  // it is full still
  EXPECT_EQ(archive->dialogue("s", 0).size(), static_cast<std::size_t>(kept));
}

TEST_F(ArchiveStorageTest, AReadOnlyDiskCannotBeOpened) {
  const SmallDisk disk(folder_ / "disk");
  if (!disk.is_there()) GTEST_SKIP() << "mounting is not allowed here";
  const auto file = folder_ / "disk" / "archive.sqlite";
  make_session(*open_archive(file, options_));
  ASSERT_TRUE(disk.is_remounted(MS_RDONLY));
  EXPECT_THROW(open_archive(file, options_), base::FileError);
  ASSERT_TRUE(disk.is_remounted(0));
  EXPECT_TRUE(open_archive(file, options_)->find_session("s"));
}

TEST_F(ArchiveStorageTest, ADamagedDatabaseIsMovedAsideAndNeverOverwritten) {
  for (std::size_t times = 1; times <= 2; ++times) {
    open();
    make_session(archive());
    exchange(archive(), "s", "m1");
    archive().close();
    damage();
    const auto bytes = base::read_file(file_);
    open();
    EXPECT_FALSE(archive().find_session("s"));
    const auto moved = aside();
    ASSERT_EQ(moved.size(), times) << "each under a name of its own";
    EXPECT_TRUE(std::any_of(moved.begin(), moved.end(), [&](const path& file) {
      return base::read_file(file) == bytes && log().find(file.string()) != std::string::npos;
    })) << log();
    EXPECT_EQ(make_session(archive()).status, WriteStatus::kDone);
    await(archive(), &Archive::delete_session, "s");
  }
}

TEST_F(ArchiveStorageTest, DamageThatAReaderFindsMovesItAsideToo) {
  open();
  make_session(archive());
  for (int i = 0; i < 60; ++i)
    say(archive(), "s", "m" + std::to_string(i), std::string(60'000, 'a'));
  await_tidy(archive());
  damage();
  EXPECT_THROW(archive().dialogue("s", 0), StorageError);
  await_tidy(archive());
  EXPECT_EQ(aside().size(), 1U) << log();
  EXPECT_EQ(make_session(archive()).status, WriteStatus::kDone);
  EXPECT_TRUE(archive().find_session("s"));
}

TEST_F(ArchiveStorageTest, AnEmptiedDatabaseKeepsItsLog) {
  open();
  make_session(archive());
  std::filesystem::copy_file(file_.string() + "-wal", folder_ / "log");
  archive().close();
  std::filesystem::resize_file(file_, 0);
  std::filesystem::rename(folder_ / "log", file_.string() + "-wal");
  const auto log_bytes = base::read_file(file_.string() + "-wal");
  open();
  ASSERT_EQ(aside().size(), 1U);
  EXPECT_EQ(base::read_file(aside().front().string() + "-wal"), log_bytes);
}

TEST_F(ArchiveStorageTest, ALogThatIsTakenAwayLosesNothing) {
  open();
  make_session(archive());
  exchange(archive(), "s", "m1");
  std::filesystem::remove(file_.string() + "-wal");
  exchange(archive(), "s", "m2");
  exchange(archive(), "s", "m3");
  // what a crash now would leave
  const auto copy = folder_ / "copy.sqlite";
  std::filesystem::copy_file(file_, copy);
  ASSERT_TRUE(std::filesystem::exists(file_.string() + "-wal"));
  std::filesystem::copy_file(file_.string() + "-wal", copy.string() + "-wal");
  EXPECT_EQ(open_archive(copy)->dialogue("s", 0).size(), 6U);
  EXPECT_EQ(archive().dialogue("s", 0).size(), 6U);
}

TEST_F(ArchiveStorageTest, ADatabaseThatIsTakenAwayRefusesUntilItIsBack) {
  open();
  make_session(archive());
  std::filesystem::rename(file_, folder_ / "elsewhere");
  const auto failed = say(archive(), "s", "m1");
  EXPECT_EQ(failed.status, WriteStatus::kFailed);
  EXPECT_NE(failed.error.find("put it back"), std::string::npos) << failed.error;
  std::filesystem::rename(folder_ / "elsewhere", file_);
  await_tidy(archive());
  EXPECT_TRUE(archive().state().is_writable);
  EXPECT_NE(say(archive(), "s", "m1").status, WriteStatus::kFailed);
}

TEST_F(ArchiveStorageTest, ALongReaderHoldsUpNoWrite) {
  options_.busy_timeout = std::chrono::hours(1);  // who waits for it does not come back
  open();
  make_session(archive());
  SQLite::Database other(file_.string(), SQLite::OPEN_READONLY);
  {
    SQLite::Statement reading(other, "SELECT id FROM session");
    ASSERT_TRUE(reading.executeStep());
    EXPECT_EQ(say(archive(), "s", "m1").status, WriteStatus::kDone);
    await_tidy(archive());
    EXPECT_GT(archive().state().wal_bytes, 0U);
    EXPECT_EQ(say(archive(), "s", "m2").status, WriteStatus::kDone);
  }
  await_tidy(archive());
  EXPECT_EQ(archive().state().wal_bytes, 0U);
}

TEST_F(ArchiveStorageTest, WhatIsDeletedIsGoneFromTheFile) {
  open();
  make_session(archive());
  say(archive(), "s", "m1", "a very private sentence");
  await_tidy(archive());
  EXPECT_NE(base::read_file(file_).find("very private"), std::string::npos);
  await(archive(), &Archive::delete_session, "s");
  await_tidy(archive());
  EXPECT_EQ(base::read_file(file_).find("very private"), std::string::npos);
}

TEST_F(ArchiveStorageTest, ADatabaseOfAnotherProgramIsLeftAlone) {
  SQLite::Database other(file_.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  other.exec("CREATE TABLE recipe (id INTEGER)");
  const auto bytes = base::read_file(file_);
  EXPECT_NE(error_of_opening().find("database of another program"), std::string::npos);
  EXPECT_EQ(base::read_file(file_), bytes);
}

TEST_F(ArchiveStorageTest, AnArchiveOfANewerProgramIsLeftAlone) {
  open();
  archive().close();
  SQLite::Database(file_.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 1000");
  const auto error = error_of_opening();
  EXPECT_NE(error.find("version 1000, written by a newer banter"), std::string::npos) << error;
}

/// The statements that made a database's tables and indexes.
std::vector<std::string> schema_of(const path& file) {
  SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
  SQLite::Statement select(database,
                           "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name");
  std::vector<std::string> statements;
  while (select.executeStep()) statements.push_back(select.getColumn(0).getString());
  return statements;
}

TEST_F(ArchiveStorageTest, AStoredFileOfEachVersionIsBroughtToTheNewest) {
  const path stored = path(BANTER_SOURCE_DIR) / "tests/fixtures/archive";
  for (const std::string name : {"version_1.sqlite"}) {
    std::filesystem::copy_file(stored / name, file_,
                               std::filesystem::copy_options::overwrite_existing);
    open();
    const auto session = archive().find_session("session-1");
    ASSERT_TRUE(session);
    EXPECT_EQ(session->persona, "[\"I row.\"]");
    EXPECT_EQ(session->epoch, 2);
    const auto page = archive().history("session-1", 0, {}, 10);
    ASSERT_EQ(page.items.size(), 3U);
    EXPECT_EQ(page.items[0].turn.text, "Do you like water?");
    EXPECT_EQ(page.items[1].turn.text, "I row every day.");
    EXPECT_EQ(page.items[1].turn.rating, 1);
    EXPECT_EQ(archive().owed("session-1").at(0).seed, 9U);
    EXPECT_EQ(archive().meta("checkpoint"), "c1");
    archive().close();
    const auto migrated = schema_of(file_);
    std::filesystem::remove(file_);
    open();
    archive().close();
    EXPECT_EQ(migrated, schema_of(file_)) << name;
  }
}

TEST_F(ArchiveStorageTest, AWriteThatBreaksARuleFailsAlone) {
  SqliteBackend backend(file_, std::chrono::milliseconds(50));
  Readers readers(backend);
  Writer writer(backend, readers, options_);
  std::promise<void> reached;
  std::promise<void> gate;
  std::promise<std::vector<bool>> all;
  std::vector<bool> is_good;
  const auto add = [&](const std::function<void(const WriteContext&)>& run) {
    writer.add({run, [&](const StorageError* error) {
                  is_good.push_back(error == nullptr);
                  if (is_good.size() == 4) all.set_value(is_good);
                }});
  };
  const auto put = [](const std::string& key) {
    return [key](const WriteContext& context) { put_meta(context, key, "v"); };
  };
  add([&, is_first = true](const WriteContext&) mutable {
    if (!std::exchange(is_first, false)) return;
    reached.set_value();
    gate.get_future().wait();
  });
  reached.get_future().wait();  // the group is open: what comes now may join it, or the next one
  add(put("a"));
  add([](const WriteContext& context) {
    context.database.query("INSERT INTO meta (key, value) VALUES ('b', NULL)");
  });
  add(put("c"));
  gate.set_value();
  EXPECT_EQ(all.get_future().get(), (std::vector<bool>{true, true, false, true}));
  const auto keys = readers.with_connection([](Connection& database) {
    return database.query("SELECT key FROM meta WHERE value = 'v' ORDER BY key").size();
  });
  EXPECT_EQ(keys, 2U);
  EXPECT_TRUE(writer.state().is_writable) << "the storage is not at fault";
}

}  // namespace
}  // namespace banter::serve
