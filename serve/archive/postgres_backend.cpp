#include "serve/archive/postgres_backend.h"

#include <array>
#include <random>
#include <utility>

#include <unistd.h>

#include "serve/archive/postgres_connection.h"
#include "serve/archive/schema.h"

namespace banter::serve {
namespace {

/// First half of the keys of our advisory locks ("bntr"), and the second of the one for migrations.
constexpr const char* kLockKeys = "1651405938";
constexpr const char* kMigrationLock = "0";

std::string unique_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::random_device random;
  return std::string(host.data()) + ":" + std::to_string(::getpid()) + ":" +
         std::to_string(random());
}

}  // namespace

PostgresBackend::PostgresBackend(std::string url, std::string holder,
                                 std::chrono::milliseconds lock_timeout)
    : url_(std::move(url)),
      holder_(holder.empty() ? unique_name() : std::move(holder)),
      lock_timeout_(lock_timeout) {}

std::unique_ptr<Connection> PostgresBackend::connect_writer() {
  auto writer = std::make_unique<PostgresConnection>(url_, name_, lock_timeout_);
  lock_name(*writer);
  const std::string migration = std::string("(") + kLockKeys + ", " + kMigrationLock + ")";
  writer->query("SELECT pg_advisory_lock" + migration);
  migrate(*writer);
  writer->query("SELECT pg_advisory_unlock" + migration);
  return writer;
}

/// Until the connection ends; waits, because the server notices a death a little later.
void PostgresBackend::lock_name(Connection& writer) const {
  try {
    writer.query(std::string("SELECT pg_advisory_lock(") + kLockKeys + ", hashtext($1))",
                 {holder_});
  } catch (const StorageError& error) {
    if (error.fault != StorageFault::kUnavailable) throw;
    throw StorageError(StorageFault::kUnavailable, name_ + ": another server is named " +
                                                       std::get<std::string>(holder_) +
                                                       "; stop it, or give each a name of its own");
  }
}

std::unique_ptr<Connection> PostgresBackend::connect_reader() {
  return std::make_unique<PostgresConnection>(url_, name_, lock_timeout_);
}

std::string PostgresBackend::set_aside() {
  throw StorageError(StorageFault::kUnavailable,
                     name_ + ": is damaged, and its server's operator must repair it");
}

}  // namespace banter::serve
