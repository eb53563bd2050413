#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "serve/archive/archive.h"
#include "serve/archive/backend.h"
#include "serve/archive/readers.h"
#include "serve/archive/writes.h"

namespace banter::serve {

/// The thread that writes: takes what waits into one transaction, commits, calls back.
///
/// A group is bounded in writes and in time, and nothing is held back to make it larger: while one
/// commit is on its way to the disk the next group gathers by itself. When a rule of the schema
/// stops one write of a group, the others are written again, each alone. When the storage fails,
/// all that waits fails at once, so that a lock of somebody else costs everybody one busy timeout
/// and not one each; a timer then tries until it works again.
///
/// Threads  all functions from any thread, but `close` from one, last
class Writer {
 public:
  struct Job {
    std::function<void(const WriteContext&)> run;   ///< may be run again after a rollback
    std::function<void(const StorageError*)> done;  ///< nullptr: committed
  };

  /// Opens the database; a damaged one is set aside first. Throws   StorageError
  Writer(Backend& backend, Readers& readers, const ArchiveOptions& options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void add(Job job);
  void tidy(std::function<void()> done);
  /// A read failed: counts it, and looks at the database when that seems damaged.
  void note_failed_read(const StorageError& error);
  [[nodiscard]] ArchiveState state() const;
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  using Failure = std::optional<StorageError>;

  void loop();
  [[nodiscard]] bool is_writable() const;
  [[nodiscard]] bool is_tidy_asked() const;
  bool wait_until(Clock::time_point due);  ///< false: closing, and nothing waits
  void write_group();
  void write_alone(Job& job);
  void refuse(std::vector<Job>& group, const StorageError& error);
  std::optional<Job> take_job();
  void finish(Job& job, const StorageError* error);

  Failure attempt(const std::function<void(const WriteContext&)>& run, std::uint64_t& writes);
  Connection& connected();
  void commit(Connection& connection);
  void reconnect_later();
  void recover(const StorageError& error);

  Clock::time_point tidied();  ///< when next
  void checkpoint();
  void leave();

  void note_success(std::uint64_t writes);
  void note_failure(const StorageError& error);
  void log(const std::string& sentence) const;

  Backend& backend_;
  Readers& readers_;
  const ArchiveOptions options_;
  std::unique_ptr<Connection> connection_;  ///< of the writer thread

  mutable std::mutex mutex_;  ///< of all below
  std::condition_variable work_;
  std::deque<Job> waiting_;
  std::vector<std::function<void()>> tidiers_;
  bool is_tidy_asked_ = false;
  bool is_check_due_ = false;  ///< a read found damage
  bool is_closing_ = false;
  ArchiveState state_;

  std::thread thread_;
};

}  // namespace banter::serve
