#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serve/archive/rows.h"
#include "serve/archive/write_result.h"
#include "serve/time_histogram.h"

namespace banter::serve {

class Backend;
class Connection;
class Readers;
class Writer;
struct WriteContext;

struct ArchiveOptions {
  std::chrono::milliseconds busy_timeout{2000};  ///< wait for a lock of somebody else, > 0
  std::optional<std::chrono::days> keep;         ///< after a session was seen; nothing: for ever
  std::chrono::milliseconds tidy_every{10'000};  ///< between checkpoints and deletions, > 0
  std::chrono::milliseconds retry_every{1'000};  ///< between tries while the storage fails, > 0

  /// PostgreSQL: this server's name among those that share the database. One that starts under the
  /// name of one that died goes on with its sessions at once. "": a name that nobody else has.
  std::string holder;
  std::chrono::milliseconds lease{30'000};  ///< PostgreSQL: how long a dead server's hold lasts

  std::function<WallTime()> now;                ///< empty: the database's clock
  std::function<void(const std::string&)> log;  ///< one sentence at a time, from any thread
};

/// How the archive does: for readiness and metrics.
struct ArchiveState {
  bool is_writable = true;      ///< the last commit went well
  std::string error;            ///< why it did not
  std::uint64_t errors = 0;     ///< failed commits, reads and checkpoints so far
  std::uint64_t writes = 0;     ///< that were committed
  std::uint64_t waiting = 0;    ///< writes that were asked for and are not committed
  std::uint64_t wal_bytes = 0;  ///< of the write-ahead log
  TimeHistogram commits;        ///< how long commits took
};

/// Conversations of a server, kept in SQLite or PostgreSQL.
///
/// **Writes** return at once and call back from the writer thread when they are done: committed and
/// synced to disk (kDone, kKnown), or not (the rest). What was not called back may be there or not
/// after a crash, a whole write or nothing of it. They take place in the order in which they were
/// asked for, and waiting ones share a commit.
/// **Reads** run on the caller's thread, on connections of their own, and see everything that was
/// called back before. They throw StorageError.
///
/// A user's turn is stored together with a reply that is owed: number, version, seed, decoding and
/// persona stand, text and `finish` do not. So after a crash `owed` tells what was accepted and not
/// answered, and `finish_reply` fills each reply in once.
///
/// Threads  all functions from any thread, but `close` and the destructor from one, last
/// Throws   std::invalid_argument at once when a text is no UTF-8 or holds NUL
class Archive {
 public:
  /// Opens or makes the database. Throws   StorageError, FileError when another server has it
  Archive(std::unique_ptr<Backend> backend, const ArchiveOptions& options);
  ~Archive();  ///< as `close`
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  /// kKnown when the id is taken.
  void create_session(NewSession session, OnWritten<SessionRow> on_written);
  /// Gives a session its next resume token, where the client showed the last one or, as long as
  /// that one is not proven, the one before. Both are valid from then on: the one that was shown,
  /// because the answer may be lost, and the new one. kDenied for any other; the time it takes
  /// tells nothing of the tokens.
  void resume_session(ResumeClaim resume, OnWritten<SessionRow> on_written);
  /// The client has the token with this hash: the one before dies. kDenied when it is not the last.
  void prove_resume(std::string session, std::string hash, OnWritten<Nothing> on_written);
  void change_session(SessionChange change, OnWritten<SessionRow> on_written);
  /// The next turn begins a new dialogue; those before stay stored.
  void start_dialogue(std::string session, OnWritten<SessionRow> on_written);
  /// This server holds the session no longer (it is idle and left its memory).
  void release_session(std::string session, OnWritten<Nothing> on_written);
  /// Deletes it and all its turns.
  void delete_session(std::string session, OnWritten<Nothing> on_written);

  /// Stores a user's turn at the end of the current dialogue and the reply that is owed for it.
  /// kKnown with the rows that are there when the session has the client's id already.
  void add_message(NewMessage message, OnWritten<MessageRows> on_written);
  /// Stores that one more version of a reply is owed. kKnown as in `add_message`, kMissing when
  /// the turn is no reply of the current dialogue.
  void add_version(NewVersion version, OnWritten<TurnRow> on_written);
  /// Fills in an owed reply. kKnown with what stands there when it is finished already: the first
  /// text stays.
  void finish_reply(FinishedReply reply, OnWritten<TurnRow> on_written);
  void rate(NewRating rating, OnWritten<TurnRow> on_written);

  /// What is remembered of the archive as a whole: the checkpoint's id, the tokenizer's hash.
  void put_meta(std::string key, std::string value, OnWritten<Nothing> on_written);
  /// Deletes up to 16 expired sessions and says how many; a timer does it too.
  void delete_expired(OnWritten<std::int64_t> on_written);
  /// What the timer does: checkpoint, leases, expired sessions. `done` comes from the writer
  /// thread.
  void tidy(std::function<void()> done);

  /// Nothing when it was never made, was deleted or has expired.
  std::optional<SessionRow> find_session(const std::string& session);
  /// The newest `limit` turns of a dialogue, before turn `before` where one is given.
  HistoryPage history(const std::string& session, std::int64_t dialogue,
                      std::optional<std::int64_t> before, std::int64_t limit);
  /// All of a dialogue in order, every finished version of each reply: to export and to rebuild.
  std::vector<TurnRow> dialogue(const std::string& session, std::int64_t dialogue);
  /// Replies of a session that were promised and are not made, in order.
  std::vector<TurnRow> owed(const std::string& session);
  std::optional<std::string> meta(const std::string& key);
  /// The sessions that have a turn, oldest first.
  std::vector<SessionRow> sessions();

  [[nodiscard]] ArchiveState state() const;

  /// Commits and calls back what waits, lets go of all sessions, moves the write-ahead log into the
  /// database and lets go of it. Nothing may be asked for afterwards.
  void close();

 private:
  template <typename Value>
  void write(std::function<WriteResult<Value>(const WriteContext&)> run,
             OnWritten<Value> on_written);
  template <typename Read>
  auto read(const Read& run);

  std::unique_ptr<Backend> backend_;
  std::function<WallTime()> now_;
  std::unique_ptr<Readers> readers_;
  std::unique_ptr<Writer> writer_;
};

/// Opens the archive that a URL names: `sqlite:PATH`, a path alone, or `postgres://...` as libpq
/// reads it.
/// Throws   UsageError for another kind of URL; what Archive throws
std::unique_ptr<Archive> open_archive(const std::string& url, const ArchiveOptions& options = {});

}  // namespace banter::serve
