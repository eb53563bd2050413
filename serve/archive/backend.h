#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "serve/archive/connection.h"

namespace banter::serve {

/// A database of conversations: opens connections to it and looks after it.
///
/// Threads  `connect_reader` and `wal_bytes` from any thread, the rest from one at a time
class Backend {
 public:
  Backend() = default;
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  /// For messages: a path or a server, never a password.
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Who this server is among those that share the database; NULL where it has one only.
  [[nodiscard]] virtual SqlValue holder() const = 0;

  /// Opens the database, makes or migrates its tables. Throws   StorageError
  virtual std::unique_ptr<Connection> connect_writer() = 0;
  /// Sees what was committed before each statement. Throws   StorageError
  virtual std::unique_ptr<Connection> connect_reader() = 0;

  /// Looks through the database for damage. Throws   StorageError
  virtual void check(Connection& writer) = 0;
  /// Whether what was committed will be found again. When false it is safe too, but all connections
  /// must be opened anew. Throws   StorageError when somebody took the database away
  virtual bool are_files_in_place(Connection& writer) = 0;
  /// Keeps the write-ahead log small. Throws   StorageError
  virtual void checkpoint(Connection& writer) = 0;
  /// Bytes of the write-ahead log that are not in the database file yet; 0 where a server keeps it.
  [[nodiscard]] virtual std::uint64_t wal_bytes() const = 0;

  /// Moves a damaged database aside so that a new one can be begun; no connection may be open.
  /// Returns one sentence that names both. Throws   StorageError when it cannot, or must not
  virtual std::string set_aside() = 0;
};

}  // namespace banter::serve
