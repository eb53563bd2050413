#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <sys/types.h>

#include "base/lock.h"
#include "serve/archive/backend.h"

namespace banter::serve {

/// A SQLite file in write-ahead mode, with FILE-wal, FILE-shm and FILE.lock beside it.
class SqliteBackend : public Backend {
 public:
  /// Locks the archive; makes an empty file that only its owner can read where there is none.
  /// Throws   FileError when another process has it: names its pid
  SqliteBackend(std::filesystem::path path, std::chrono::milliseconds busy_timeout);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] SqlValue holder() const override { return {}; }
  std::unique_ptr<Connection> connect_writer() override;
  std::unique_ptr<Connection> connect_reader() override;
  void check(Connection& writer) override;
  bool are_files_in_place(Connection& writer) override;
  void checkpoint(Connection& writer) override;
  [[nodiscard]] std::uint64_t wal_bytes() const override;
  std::string set_aside() override;

 private:
  using FileId = std::pair<dev_t, ino_t>;
  static FileId id_of(const std::filesystem::path& path);  ///< of no file: zeros
  void save_log(Connection& writer);
  bool is_all_in_database(Connection& writer) const;
  [[nodiscard]] std::filesystem::path beside(const std::string& ending) const;

  const std::filesystem::path path_;
  const std::string name_;
  const std::chrono::milliseconds busy_timeout_;
  const base::FileLock lock_;
  FileId database_id_, wal_id_;  ///< of the writer's connection
};

}  // namespace banter::serve
