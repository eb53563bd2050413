#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "serve/archive/connection.h"
#include "serve/archive/rows.h"
#include "serve/archive/write_result.h"

/// What is written, as statements inside a transaction that is open; nothing stands before its
/// commit. Each function may be run again after a rollback.
///
/// Every write but the first of a session claims it: it extends the server's lease on it, says
/// that it was seen, and finds nothing when another server holds it. All throw StorageError.
namespace banter::serve {

struct WriteContext {
  Connection& database;
  WallTime now;
  SqlValue holder;                        ///< this server; NULL where a database has one only
  std::chrono::milliseconds lease;        ///< for how long a claim holds
  std::optional<std::chrono::days> keep;  ///< how long after it was seen a session is deleted
};

WriteResult<SessionRow> create_session(const WriteContext& context, const NewSession& session);
WriteResult<SessionRow> resume_session(const WriteContext& context, const ResumeClaim& resume);
WriteResult<Nothing> prove_resume(const WriteContext& context, const std::string& session,
                                  const std::string& hash);
WriteResult<SessionRow> change_session(const WriteContext& context, const SessionChange& change);
WriteResult<SessionRow> start_dialogue(const WriteContext& context, const std::string& session);
WriteResult<Nothing> release_session(const WriteContext& context, const std::string& session);
WriteResult<Nothing> delete_session(const WriteContext& context, const std::string& session);

WriteResult<MessageRows> add_message(const WriteContext& context, const NewMessage& message);
WriteResult<TurnRow> add_version(const WriteContext& context, const NewVersion& version);
WriteResult<TurnRow> finish_reply(const WriteContext& context, const FinishedReply& reply);
WriteResult<TurnRow> rate(const WriteContext& context, const NewRating& rating);

WriteResult<Nothing> put_meta(const WriteContext& context, const std::string& key,
                              const std::string& value);
/// At most 16 sessions, so that no write waits long; how many.
WriteResult<std::int64_t> delete_expired(const WriteContext& context);
/// Every session expires `keep` after it was seen, whatever held when it was seen.
void apply_keep(const WriteContext& context);
void renew_leases(const WriteContext& context);
void release_leases(const WriteContext& context);  ///< of all that this server holds

}  // namespace banter::serve
