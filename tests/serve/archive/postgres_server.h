#pragma once

#include <memory>
#include <string>

#include "tests/support/temporary_folder.h"

namespace banter::tests {

/// A PostgreSQL server of this process alone, on a Unix socket in a temporary folder; as `postgres`
/// or `nobody` where we are root, which it refuses to run as.
class PostgresServer {
 public:
  /// Why there can be none here; "" when there can.
  static std::string why_not();

  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// The URL of a new, empty database.
  std::string make_database();
  void start();
  void stop_at_once();  ///< as a crash: connections break, nothing is tidied up

 private:
  void run(const std::string& command) const;  ///< Throws   std::runtime_error
  TemporaryFolder folder_;
  int databases_ = 0;
};

}  // namespace banter::tests
