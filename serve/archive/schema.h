#pragma once

#include <cstdint>

#include "serve/archive/connection.h"

namespace banter::serve {

/// The version of the schema that this program reads and writes.
std::int64_t newest_schema_version();

/// Brings a database to the newest version, one version after the other, in one transaction.
/// Throws   StorageError, also when it was written by a newer program
void migrate(Connection& database);

}  // namespace banter::serve
