#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "serve/archive/connection.h"
#include "serve/archive/rows.h"

/// What is read, as statements. All throw StorageError.
namespace banter::serve {

HistoryPage read_history(Connection& database, const std::string& session, std::int64_t dialogue,
                         std::optional<std::int64_t> before, std::int64_t limit);
std::vector<TurnRow> read_dialogue(Connection& database, const std::string& session,
                                   std::int64_t dialogue);
std::vector<TurnRow> read_owed(Connection& database, const std::string& session);
std::vector<SessionRow> read_sessions(Connection& database);
std::optional<std::string> read_meta(Connection& database, const std::string& key);

}  // namespace banter::serve
