#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "serve/archive/connection.h"

namespace banter::serve {

/// A connection to a PostgreSQL server (libpqxx) with the settings that the archive needs. Once it
/// has thrown kBroken it is of no use any more.
class PostgresConnection : public Connection {
 public:
  /// `url` as libpq reads it. Throws   StorageError when the server cannot be reached
  PostgresConnection(const std::string& url, std::string name,
                     std::chrono::milliseconds lock_timeout);

  using Connection::query;
  std::vector<SqlRow> query(const std::string& sql,
                            const std::vector<SqlValue>& parameters) override;
  void begin() override;
  void commit() override;
  void rollback() noexcept override;
  WallTime now() override;
  std::int64_t schema_version() override;
  void mark_schema_version(std::int64_t /*version*/) override {}

 private:
  std::string prepared(const std::string& sql);
  std::vector<SqlRow> run(pqxx::transaction_base& transaction, const std::string& sql,
                          const std::vector<SqlValue>& parameters);

  const std::string name_;
  std::unique_ptr<pqxx::connection> connection_;
  std::unique_ptr<pqxx::quiet_errorhandler> quiet_;  ///< libpqxx would print notices
  std::unique_ptr<pqxx::work> transaction_;
  std::map<std::string, std::string> statements_;  ///< SQL -> its prepared name
};

}  // namespace banter::serve
