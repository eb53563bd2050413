#include "serve/archive/sqlite_backend.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "serve/archive/schema.h"
#include "serve/archive/sqlite_connection.h"

namespace banter::serve {
namespace {

/// Larger files are not read through at start: a server is to be up in seconds.
constexpr std::uintmax_t kMaxCheckedBytes = 256U << 20;

std::uintmax_t bytes_of(const std::filesystem::path& path) {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(path, missing);
  return missing ? 0 : bytes;
}

/// Before SQLite opens it: it would give it to everybody who may enter the folder.
void make_private_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    throw base::FileError(path.string() +
                          ": cannot be opened for writing: " + std::strerror(errno));
  ::close(fd);
}

std::string time_for_name() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return {text.data(), length};
}

}  // namespace

SqliteBackend::SqliteBackend(std::filesystem::path path, std::chrono::milliseconds busy_timeout)
    : path_(std::move(path)),
      name_(path_.string()),
      busy_timeout_(busy_timeout),
      lock_(beside(".lock")) {
  make_private_file(path_);
}

std::filesystem::path SqliteBackend::beside(const std::string& ending) const {
  return path_.string() + ending;
}

SqliteBackend::FileId SqliteBackend::id_of(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

std::unique_ptr<Connection> SqliteBackend::connect_writer() {
  // SQLite would throw away the log of an empty database, which a whole one never has.
  if (bytes_of(path_) == 0 && wal_bytes() > 0)
    throw StorageError(StorageFault::kCorrupt, name_ + ": is empty, but its log is not");
  auto writer =
      std::make_unique<SqliteConnection>(path_, SqliteConnection::Mode::kWrite, busy_timeout_);
  if (bytes_of(path_) <= kMaxCheckedBytes) check(*writer);
  migrate(*writer);
  save_log(*writer);
  database_id_ = id_of(path_);
  wal_id_ = id_of(beside("-wal"));
  return writer;
}

/// A log that the kernel could not write before looks whole until the machine starts anew: what
/// stands in it is safe only once it is in the database. On a full disk it waits for room.
void SqliteBackend::save_log(Connection& writer) {
  try {
    checkpoint(writer);
  } catch (const StorageError& error) {
    if (error.fault != StorageFault::kUnavailable) throw;
  }
}

std::unique_ptr<Connection> SqliteBackend::connect_reader() {
  return std::make_unique<SqliteConnection>(path_, SqliteConnection::Mode::kRead, busy_timeout_);
}

void SqliteBackend::check(Connection& writer) {
  const auto found = writer.query("PRAGMA quick_check(1)").at(0).text(0);
  if (found != "ok")
    throw StorageError(StorageFault::kCorrupt, name_ + ": the database is damaged: " + found);
}

bool SqliteBackend::are_files_in_place(Connection& writer) {
  if (id_of(path_) != database_id_)
    throw StorageError(StorageFault::kUnavailable,
                       name_ +
                           ": was removed or replaced while in use; put it back, or stop the "
                           "server first");
  if (id_of(beside("-wal")) == wal_id_) return true;
  if (!is_all_in_database(writer))
    throw StorageError(StorageFault::kUnavailable,
                       name_ +
                           "-wal: was removed while in use, and a reader keeps what it held "
                           "from being saved");
  return false;
}

/// Moves the log into the database; false when somebody reads what is still in it.
bool SqliteBackend::is_all_in_database(Connection& writer) const {
  writer.query("PRAGMA busy_timeout = 0");  // a long reader must not hold up the writes
  const auto result = writer.query("PRAGMA wal_checkpoint(TRUNCATE)");
  writer.query("PRAGMA busy_timeout = " + std::to_string(busy_timeout_.count()));
  return result.at(0).integer(0) == 0;
}

void SqliteBackend::checkpoint(Connection& writer) { is_all_in_database(writer); }

std::uint64_t SqliteBackend::wal_bytes() const { return bytes_of(beside("-wal")); }

std::string SqliteBackend::set_aside() {
  const auto name = path_.string() + ".corrupt-" + time_for_name();
  auto aside = name;
  for (int i = 2; std::filesystem::exists(aside) || std::filesystem::exists(aside + "-wal"); ++i)
    aside = name + "-" + std::to_string(i);
  try {
    // The log first: SQLite would remove one that stands beside a new database.
    if (std::filesystem::exists(beside("-wal")))
      base::rename_durably(beside("-wal"), aside + "-wal");
    base::rename_durably(path_, aside);
    std::error_code ignored;
    std::filesystem::remove(beside("-shm"), ignored);
    make_private_file(path_);
  } catch (const base::FileError& error) {
    throw StorageError(StorageFault::kUnavailable, error.what());
  }
  return "it was moved to " + aside + ", and a new one begins";
}

}  // namespace banter::serve
