#include "serve/archive/writer.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "serve/archive/row_columns.h"

namespace banter::serve {
namespace {

constexpr std::size_t kMaxGroup = 64;
constexpr std::chrono::milliseconds kMaxGroupTime{2};
constexpr std::int64_t kManyExpired = 16;  ///< delete_expired's bound: there may be more

}  // namespace

Writer::Writer(Backend& backend, Readers& readers, const ArchiveOptions& options)
    : backend_(backend), readers_(readers), options_(options) {
  try {
    connected();
  } catch (const StorageError& error) {
    if (error.fault != StorageFault::kCorrupt) throw;
    log(std::string(error.what()) + "; " + backend_.set_aside());
  }
  std::uint64_t none = 0;
  if (const auto error = attempt(apply_keep, none)) throw StorageError(*error);
  thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() { close(); }

void Writer::close() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Writer::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
    ++state_.waiting;
  }
  work_.notify_one();
}

void Writer::tidy(std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    tidiers_.push_back(std::move(done));
    is_tidy_asked_ = true;
  }
  work_.notify_one();
}

ArchiveState Writer::state() const {
  ArchiveState state;
  {
    const std::lock_guard lock(mutex_);
    state = state_;
  }
  state.wal_bytes = backend_.wal_bytes();
  return state;
}

void Writer::loop() {
  auto due = Clock::now() + options_.tidy_every;
  while (wait_until(due)) {
    write_group();
    if (!is_writable()) due = std::min(due, Clock::now() + options_.retry_every);
    if (is_tidy_asked() || Clock::now() >= due) due = tidied();
  }
  leave();
}

bool Writer::wait_until(Clock::time_point due) {
  std::unique_lock lock(mutex_);
  work_.wait_until(lock, due, [&] { return is_closing_ || is_tidy_asked_ || !waiting_.empty(); });
  return !is_closing_ || is_tidy_asked_ || !waiting_.empty();
}

bool Writer::is_writable() const {
  const std::lock_guard lock(mutex_);
  return state_.is_writable;
}

bool Writer::is_tidy_asked() const {
  const std::lock_guard lock(mutex_);
  return is_tidy_asked_;
}

std::optional<Writer::Job> Writer::take_job() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  auto job = std::move(waiting_.front());
  waiting_.pop_front();
  return job;
}

void Writer::write_group() {
  auto next = take_job();
  if (!next) return;
  std::vector<Job> group;
  std::uint64_t writes = 0;
  const auto error = attempt(
      [&](const WriteContext& context) {
        const auto end = Clock::now() + kMaxGroupTime;
        do {
          group.push_back(std::move(*next));
          next.reset();
          group.back().run(context);
          ++writes;
          if (group.size() < kMaxGroup && Clock::now() < end) next = take_job();
        } while (next);
      },
      writes);
  if (next) group.push_back(std::move(*next));  // the transaction did not begin
  if (!error) {
    for (auto& job : group) finish(job, nullptr);
  } else if (error->fault == StorageFault::kStatement && group.size() > 1) {
    for (auto& job : group) write_alone(job);
  } else {
    refuse(group, *error);
  }
}

void Writer::write_alone(Job& job) {
  std::uint64_t writes = 1;
  const auto error = attempt(job.run, writes);
  finish(job, error ? &*error : nullptr);
}

/// A write that is at fault itself fails alone; when the storage fails so does all that waits.
void Writer::refuse(std::vector<Job>& group, const StorageError& error) {
  if (error.fault != StorageFault::kStatement) {
    const std::lock_guard lock(mutex_);
    for (auto& job : waiting_) group.push_back(std::move(job));
    waiting_.clear();
  }
  for (auto& job : group) finish(job, &error);
}

void Writer::finish(Job& job, const StorageError* error) {
  {
    const std::lock_guard lock(mutex_);
    --state_.waiting;
  }
  try {
    job.done(error);
  } catch (const std::exception& failure) {  // whoever asked failed, not the archive
    log(std::string("what asked for a write failed: ") + failure.what());
  }
}

/// Runs and commits a transaction; what went wrong was rolled back.
Writer::Failure Writer::attempt(const std::function<void(const WriteContext&)>& run,
                                std::uint64_t& writes) {
  Failure failure;
  try {
    auto& database = connected();
    database.begin();
    const auto now = options_.now ? options_.now() : database.now();
    run({database, now, backend_.holder(), options_.lease, options_.keep});
    commit(database);
    note_success(writes);
    return failure;
  } catch (const StorageError& error) {
    failure.emplace(error);
  } catch (const std::exception& error) {
    failure.emplace(StorageFault::kStatement, backend_.name() + ": " + error.what());
  }
  if (connection_) connection_->rollback();
  note_failure(*failure);
  recover(*failure);
  return failure;
}

Connection& Writer::connected() {
  if (!connection_) connection_ = backend_.connect_writer();
  return *connection_;
}

void Writer::commit(Connection& connection) {
  const auto start = Clock::now();
  connection.commit();
  {
    const std::lock_guard lock(mutex_);
    state_.commits.add(Clock::now() - start);
  }
  if (!backend_.are_files_in_place(connection)) reconnect_later();
}

void Writer::reconnect_later() {
  connection_.reset();
  readers_.forget_all();
}

void Writer::recover(const StorageError& error) {
  if (error.fault != StorageFault::kBroken && error.fault != StorageFault::kCorrupt) return;
  reconnect_later();
  if (error.fault != StorageFault::kCorrupt) return;
  try {
    log(std::string(error.what()) + "; " + backend_.set_aside());
  } catch (const base::Error& worse) {
    log(worse.what());  // it stays where it is, and writes go on failing
  }
}

Writer::Clock::time_point Writer::tidied() {
  std::vector<std::function<void()>> tidiers;
  bool is_check_due = false;
  {
    const std::lock_guard lock(mutex_);
    tidiers.swap(tidiers_);
    is_tidy_asked_ = false;
    is_check_due = std::exchange(is_check_due_, false);
  }
  std::int64_t expired = 0;
  std::uint64_t no_writes = 0;
  const auto error = attempt(
      [&](const WriteContext& context) {
        if (is_check_due) backend_.check(context.database);
        // a disk that is full shows only when something is written
        if (!is_writable()) put_meta(context, "tried", std::to_string(to_integer(context.now)));
        renew_leases(context);
        expired = delete_expired(context).value;
      },
      no_writes);
  if (!error) checkpoint();
  for (const auto& done : tidiers) done();
  if (error) return Clock::now() + options_.retry_every;
  return Clock::now() + (expired < kManyExpired ? options_.tidy_every : Clock::duration::zero());
}

void Writer::checkpoint() {
  try {
    backend_.checkpoint(connected());
  } catch (const StorageError& error) {
    note_failure(error);
    recover(error);
  }
}

void Writer::leave() {
  std::uint64_t no_writes = 0;
  if (!attempt(release_leases, no_writes)) checkpoint();
  connection_.reset();
}

void Writer::note_success(std::uint64_t writes) {
  bool was_writable = true;
  {
    const std::lock_guard lock(mutex_);
    was_writable = std::exchange(state_.is_writable, true);
    state_.error.clear();
    state_.writes += writes;
  }
  if (!was_writable) log(backend_.name() + ": can be written again");
}

/// Errors of single writes are theirs alone; the storage's are told once, until it works again.
void Writer::note_failure(const StorageError& error) {
  bool was_writable = true;
  {
    const std::lock_guard lock(mutex_);
    ++state_.errors;
    if (error.fault != StorageFault::kStatement) {
      was_writable = std::exchange(state_.is_writable, false);
      state_.error = error.what();
    }
  }
  if (was_writable) log(error.what());
}

void Writer::note_failed_read(const StorageError& error) {
  {
    const std::lock_guard lock(mutex_);
    ++state_.errors;
    is_check_due_ |= error.fault == StorageFault::kCorrupt;
    is_tidy_asked_ |= is_check_due_;
  }
  work_.notify_one();
  if (error.fault == StorageFault::kBroken) readers_.forget_all();
}

void Writer::log(const std::string& sentence) const {
  if (options_.log) options_.log(sentence);
}

}  // namespace banter::serve
