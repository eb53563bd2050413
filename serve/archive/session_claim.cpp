#include "serve/archive/session_claim.h"

#include "serve/archive/row_columns.h"

namespace banter::serve {

SqlValue expiry(const WriteContext& context) {
  if (!context.keep) return {};
  return to_integer(context.now + *context.keep);
}

SqlValue lease_end(const WriteContext& context) {
  if (std::holds_alternative<std::monostate>(context.holder)) return {};
  return to_integer(context.now + context.lease);
}

std::optional<SessionRow> read_session(Connection& database, const std::string& session,
                                       WallTime now) {
  static const std::string kSelect =
      "SELECT " + std::string(kSessionColumns) +
      " FROM session WHERE id = $1 AND (expires IS NULL OR expires >= $2)";
  const auto rows = database.query(kSelect, {session, to_integer(now)});
  if (rows.empty()) return std::nullopt;
  return to_session(rows.front());
}

WriteResult<SessionRow> claim_session(const WriteContext& context, const std::string& session) {
  static const std::string kClaim =
      "UPDATE session SET seen = $2, expires = $3, holder = $4, lease_until = $5 "
      "WHERE id = $1 AND (expires IS NULL OR expires >= $2) "
      "AND (holder IS NULL OR holder = $4 OR lease_until < $2) RETURNING " +
      std::string(kSessionColumns);
  const auto rows = context.database.query(
      kClaim,
      {session, to_integer(context.now), expiry(context), context.holder, lease_end(context)});
  if (!rows.empty()) return {WriteStatus::kDone, to_session(rows.front()), ""};
  const bool is_there = read_session(context.database, session, context.now).has_value();
  return {is_there ? WriteStatus::kHeld : WriteStatus::kMissing, {}, ""};
}

}  // namespace banter::serve
