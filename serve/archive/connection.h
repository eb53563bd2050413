#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "serve/archive/rows.h"
#include "serve/archive/storage_error.h"

namespace banter::serve {

/// What goes into a statement or comes out of it: NULL, a 64-bit integer, a text.
using SqlValue = std::variant<std::monostate, std::int64_t, std::string>;

class SqlRow {
 public:
  explicit SqlRow(std::vector<SqlValue> values) : values_(std::move(values)) {}
  [[nodiscard]] bool is_null(std::size_t column) const {
    return std::holds_alternative<std::monostate>(values_.at(column));
  }
  /// 0 for NULL. Throws   std::bad_variant_access when it is a text
  [[nodiscard]] std::int64_t integer(std::size_t column) const {
    return is_null(column) ? 0 : std::get<std::int64_t>(values_.at(column));
  }
  /// "" for NULL. Throws   std::bad_variant_access when it is an integer
  [[nodiscard]] std::string text(std::size_t column) const {
    return is_null(column) ? "" : std::get<std::string>(values_.at(column));
  }

 private:
  std::vector<SqlValue> values_;
};

/// A connection to a database that speaks the SQL which SQLite 3.35 and PostgreSQL share:
/// parameters $1, $2, ..., ON CONFLICT DO NOTHING, RETURNING.
///
/// Threads  one at a time
class Connection {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs one statement, prepared at its first use, and gives all its rows.
  /// Throws   StorageError; then a transaction must be rolled back
  virtual std::vector<SqlRow> query(const std::string& sql,
                                    const std::vector<SqlValue>& parameters) = 0;
  std::vector<SqlRow> query(const std::string& sql) { return query(sql, {}); }

  virtual void begin() = 0;  ///< a transaction that will write. Throws   StorageError
  /// Makes the transaction durable. Throws   StorageError; then nothing of it is promised
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;  ///< harmless without a transaction

  /// The time that sessions and leases are measured with: the database's own.
  virtual WallTime now() = 0;

  /// 0: nothing of ours is in there yet. Throws   StorageError
  virtual std::int64_t schema_version() = 0;
  /// Where the version stands besides the table `meta`. Throws   StorageError
  virtual void mark_schema_version(std::int64_t version) = 0;
};

}  // namespace banter::serve
