#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "serve/archive/connection.h"

namespace banter::serve {

/// A connection to a SQLite file (SQLiteCpp) with the settings that the archive needs.
class SqliteConnection : public Connection {
 public:
  enum class Mode { kWrite, kRead };

  /// Throws   StorageError when the file cannot be opened, or is no database
  SqliteConnection(const std::filesystem::path& path, Mode mode,
                   std::chrono::milliseconds busy_timeout);

  using Connection::query;
  std::vector<SqlRow> query(const std::string& sql,
                            const std::vector<SqlValue>& parameters) override;
  void begin() override;
  void commit() override;
  void rollback() noexcept override;
  WallTime now() override;
  std::int64_t schema_version() override;
  void mark_schema_version(std::int64_t version) override;

 private:
  void expect_ours();
  SQLite::Statement& prepared(const std::string& sql);
  [[nodiscard]] StorageError to_storage_error(const SQLite::Exception& error) const;

  const std::string name_;
  SQLite::Database database_;
  std::map<std::string, SQLite::Statement> statements_;
};

}  // namespace banter::serve
