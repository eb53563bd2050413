#pragma once

#include <optional>
#include <string>

#include "serve/archive/writes.h"

namespace banter::serve {

/// Extends this server's hold on a session and says that it was seen now. kDone with the session;
/// kMissing, or kHeld when another server's lease has not ended.
WriteResult<SessionRow> claim_session(const WriteContext& context, const std::string& session);

/// A session that has not expired.
std::optional<SessionRow> read_session(Connection& database, const std::string& session,
                                       WallTime now);

SqlValue expiry(const WriteContext& context);     ///< of a session that is seen now; NULL: never
SqlValue lease_end(const WriteContext& context);  ///< NULL where there are no leases

}  // namespace banter::serve
