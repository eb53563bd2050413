#include "serve/archive/sqlite_connection.h"

#include <utility>

#include <sqlite3.h>

namespace banter::serve {
namespace {

/// "bntr": says that a SQLite file is an archive.
constexpr std::int64_t kApplicationId = 0x626E7472;

StorageFault fault_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StorageFault::kCorrupt;
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
      return StorageFault::kUnavailable;
    default:
      return StorageFault::kStatement;
  }
}

StorageError storage_error(const std::string& name, const SQLite::Exception& error) {
  const int code =
      error.getExtendedErrorCode() > 0 ? error.getExtendedErrorCode() : error.getErrorCode();
  return {fault_of(code),
          name + ": " + error.what() + " (SQLite error " + std::to_string(code) + ")"};
}

SQLite::Database opened(const std::filesystem::path& path, SqliteConnection::Mode mode,
                        std::chrono::milliseconds busy_timeout) {
  const int flags = mode == SqliteConnection::Mode::kWrite
                        ? SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE
                        : SQLite::OPEN_READONLY;
  try {
    return {path.string(), flags | SQLite::OPEN_NOMUTEX, static_cast<int>(busy_timeout.count())};
  } catch (const SQLite::Exception& error) {
    throw storage_error(path.string(), error);
  }
}

void bind_all(SQLite::Statement& statement, const std::vector<SqlValue>& parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto name = "$" + std::to_string(i + 1);
    const auto& value = parameters[i];
    if (const auto* text = std::get_if<std::string>(&value)) {
      statement.bindNoCopy(name, *text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      statement.bind(name, *integer);
    } else {
      statement.bind(name);
    }
  }
}

SqlRow row_of(SQLite::Statement& statement) {
  std::vector<SqlValue> values;
  values.reserve(static_cast<std::size_t>(statement.getColumnCount()));
  for (int i = 0; i < statement.getColumnCount(); ++i) {
    const auto column = statement.getColumn(i);
    if (column.isNull()) {
      values.emplace_back();
    } else if (column.isInteger()) {
      values.emplace_back(std::int64_t{column.getInt64()});
    } else {
      values.emplace_back(column.getString());
    }
  }
  return SqlRow(std::move(values));
}

/// A statement that is not reset keeps its locks.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(SQLite::Statement& statement) : statement_(statement) {}
  ~ResetAtEnd() { statement_.tryReset(); }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  SQLite::Statement& statement_;
};

}  // namespace

SqliteConnection::SqliteConnection(const std::filesystem::path& path, Mode mode,
                                   std::chrono::milliseconds busy_timeout)
    : name_(path.string()), database_(opened(path, mode, busy_timeout)) {
  query("PRAGMA trusted_schema = OFF");
  query("PRAGMA foreign_keys = ON");
  if (mode == Mode::kRead) return;
  expect_ours();  // before anything is written into it
  query("PRAGMA synchronous = FULL");
  query("PRAGMA secure_delete = ON");  // what a user deletes is gone
  if (query("PRAGMA journal_mode = WAL").at(0).text(0) != "wal")
    throw StorageError(StorageFault::kUnavailable,
                       name_ + ": cannot use a write-ahead log here; is it a network folder?");
}

SQLite::Statement& SqliteConnection::prepared(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  return statements_.try_emplace(sql, database_, sql).first->second;
}

std::vector<SqlRow> SqliteConnection::query(const std::string& sql,
                                            const std::vector<SqlValue>& parameters) {
  try {
    auto& statement = prepared(sql);
    const ResetAtEnd reset(statement);
    bind_all(statement, parameters);
    std::vector<SqlRow> rows;
    while (statement.executeStep()) rows.push_back(row_of(statement));
    return rows;
  } catch (const SQLite::Exception& error) {
    throw storage_error(name_, error);
  }
}

void SqliteConnection::begin() { query("BEGIN IMMEDIATE"); }

void SqliteConnection::commit() { query("COMMIT"); }

void SqliteConnection::rollback() noexcept {
  if (sqlite3_get_autocommit(database_.getHandle()) != 0) return;
  database_.tryExec("ROLLBACK");  // the only way to fail is that it was rolled back already
}

WallTime SqliteConnection::now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// An empty database will be ours.
void SqliteConnection::expect_ours() {
  if (query("PRAGMA application_id").at(0).integer(0) == kApplicationId) return;
  if (query("SELECT COUNT(*) FROM sqlite_master").at(0).integer(0) == 0) return;
  throw StorageError(StorageFault::kStatement,
                     name_ + ": is a database of another program; name another file");
}

std::int64_t SqliteConnection::schema_version() {
  return query("PRAGMA user_version").at(0).integer(0);
}

void SqliteConnection::mark_schema_version(std::int64_t version) {
  query("PRAGMA application_id = " + std::to_string(kApplicationId));
  query("PRAGMA user_version = " + std::to_string(version));
}

}  // namespace banter::serve
