#include "serve/archive/reads.h"

#include <algorithm>
#include <limits>
#include <string>

#include "serve/archive/row_columns.h"

namespace banter::serve {
namespace {

std::vector<TurnRow> to_turns(const std::vector<SqlRow>& rows) {
  std::vector<TurnRow> turns;
  turns.reserve(rows.size());
  for (const auto& row : rows) turns.push_back(to_turn(row));
  return turns;
}

}  // namespace

HistoryPage read_history(Connection& database, const std::string& session, std::int64_t dialogue,
                         std::optional<std::int64_t> before, std::int64_t limit) {
  static const std::string kVersions =
      " FROM turn AS other WHERE other.session = t.session AND other.dialogue = t.dialogue "
      "AND other.turn = t.turn AND (other.role = 'user' OR other.finish <> ''))";
  static const std::string kPage =
      "SELECT " + std::string(kTurnColumns) + ", (SELECT COUNT(*)" + kVersions +
      " FROM turn AS t WHERE session = $1 AND dialogue = $2 AND turn < $3 "
      "AND version = (SELECT MAX(version)" +
      kVersions + " ORDER BY turn DESC LIMIT $4";
  const auto rows = database.query(
      kPage,
      {session, dialogue, before.value_or(std::numeric_limits<std::int64_t>::max()), limit + 1});
  HistoryPage page;
  for (const auto& row : rows) page.items.push_back({to_turn(row), row.integer(kTurnColumnCount)});
  page.has_more = static_cast<std::int64_t>(rows.size()) > limit;
  if (page.has_more) page.items.pop_back();
  std::reverse(page.items.begin(), page.items.end());
  return page;
}

std::vector<TurnRow> read_dialogue(Connection& database, const std::string& session,
                                   std::int64_t dialogue) {
  static const std::string kSelect =
      "SELECT " + std::string(kTurnColumns) +
      " FROM turn WHERE session = $1 AND dialogue = $2 AND (role = 'user' OR finish <> '') "
      "ORDER BY turn, version";
  return to_turns(database.query(kSelect, {session, dialogue}));
}

std::vector<TurnRow> read_owed(Connection& database, const std::string& session) {
  static const std::string kSelect =
      "SELECT " + std::string(kTurnColumns) +
      " FROM turn WHERE session = $1 AND role = 'reply' AND finish = '' "
      "ORDER BY dialogue, turn, version";
  return to_turns(database.query(kSelect, {session}));
}

std::vector<SessionRow> read_sessions(Connection& database) {
  static const std::string kSelect = "SELECT " + std::string(kSessionColumns) +
                                     " FROM session WHERE EXISTS (SELECT 1 FROM turn WHERE "
                                     "turn.session = session.id) ORDER BY created, id";
  std::vector<SessionRow> sessions;
  for (const auto& row : database.query(kSelect, {})) sessions.push_back(to_session(row));
  return sessions;
}

std::optional<std::string> read_meta(Connection& database, const std::string& key) {
  const auto rows = database.query("SELECT value FROM meta WHERE key = $1", {key});
  if (rows.empty()) return std::nullopt;
  return rows.front().text(0);
}

}  // namespace banter::serve
