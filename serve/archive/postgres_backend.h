#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "serve/archive/backend.h"

namespace banter::serve {

/// A database of a PostgreSQL server that several of our servers may share: each session is held
/// by one of them at a time, through its lease.
class PostgresBackend : public Backend {
 public:
  /// `holder` names this server among them; "": a name that nobody else has.
  PostgresBackend(std::string url, std::string holder, std::chrono::milliseconds lock_timeout);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] SqlValue holder() const override { return holder_; }
  /// Throws   StorageError also when another server has the same name
  std::unique_ptr<Connection> connect_writer() override;
  std::unique_ptr<Connection> connect_reader() override;
  void check(Connection& /*writer*/) override {}
  bool are_files_in_place(Connection& /*writer*/) override { return true; }
  void checkpoint(Connection& /*writer*/) override {}
  [[nodiscard]] std::uint64_t wal_bytes() const override { return 0; }
  std::string set_aside() override;

 private:
  void lock_name(Connection& writer) const;

  const std::string url_;
  const std::string name_ = "the PostgreSQL archive";
  const SqlValue holder_;
  const std::chrono::milliseconds lock_timeout_;
};

}  // namespace banter::serve
