#include <string>

#include <openssl/crypto.h>

#include "serve/archive/row_columns.h"
#include "serve/archive/session_claim.h"
#include "serve/archive/writes.h"

namespace banter::serve {
namespace {

/// Takes the same time wherever the two differ.
bool are_equal(const std::string& a, const std::string& b) {
  return !a.empty() && a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_valid_hash(const SessionRow& session, const std::string& hash) {
  const bool is_last = are_equal(session.resume_hash, hash);
  const bool is_before = are_equal(session.resume_hash_before, hash);
  return is_last || is_before;
}

/// Claims a session, then runs a statement on its row that returns the session's columns.
WriteResult<SessionRow> update_claimed(const WriteContext& context, const std::string& session,
                                       const std::string& assignments,
                                       std::vector<SqlValue> values) {
  auto claim = claim_session(context, session);
  if (claim.status != WriteStatus::kDone) return claim;
  values.insert(values.begin(), session);
  const auto rows =
      context.database.query("UPDATE session SET " + assignments + " WHERE id = $1 RETURNING " +
                                 std::string(kSessionColumns),
                             values);
  return {WriteStatus::kDone, to_session(rows.at(0)), ""};
}

SqlValue or_null(const std::optional<std::string>& text) {
  return text ? SqlValue(*text) : SqlValue();
}

}  // namespace

WriteResult<SessionRow> create_session(const WriteContext& context, const NewSession& session) {
  static const std::string kInsert =
      "INSERT INTO session (id, \"user\", resume_hash, resume_hash_before, persona, decode, "
      "dialogue, epoch, created, seen, expires, holder, lease_until) "
      "VALUES ($1, $2, $3, '', $4, $5, 0, 1, $6, $6, $7, $8, $9) ON CONFLICT DO NOTHING "
      "RETURNING " +
      std::string(kSessionColumns);
  const auto rows = context.database.query(
      kInsert, {session.id, session.user, session.resume_hash, session.persona, session.decode,
                to_integer(context.now), expiry(context), context.holder, lease_end(context)});
  if (rows.empty()) return {WriteStatus::kKnown, {}, ""};
  return {WriteStatus::kDone, to_session(rows.at(0)), ""};
}

WriteResult<SessionRow> resume_session(const WriteContext& context, const ResumeClaim& resume) {
  const auto found = read_session(context.database, resume.session, context.now);
  if (!found) return {WriteStatus::kMissing, {}, ""};
  const bool is_owner = !resume.user || *resume.user == found->user;
  if (!is_valid_hash(*found, resume.presented_hash) || !is_owner)
    return {WriteStatus::kDenied, {}, ""};
  return update_claimed(
      context, resume.session, "resume_hash_before = $2, resume_hash = $3, epoch = epoch + $4",
      {resume.presented_hash, resume.next_hash, std::int64_t{resume.begins_life ? 1 : 0}});
}

WriteResult<Nothing> prove_resume(const WriteContext& context, const std::string& session,
                                  const std::string& hash) {
  const auto claim = claim_session(context, session);
  if (claim.status != WriteStatus::kDone) return {claim.status, {}, ""};
  if (!are_equal(claim.value.resume_hash, hash)) return {WriteStatus::kDenied, {}, ""};
  context.database.query("UPDATE session SET resume_hash_before = '' WHERE id = $1", {session});
  return {WriteStatus::kDone, {}, ""};
}

WriteResult<SessionRow> change_session(const WriteContext& context, const SessionChange& change) {
  return update_claimed(context, change.session,
                        "persona = COALESCE($2, persona), decode = COALESCE($3, decode)",
                        {or_null(change.persona), or_null(change.decode)});
}

WriteResult<SessionRow> start_dialogue(const WriteContext& context, const std::string& session) {
  return update_claimed(context, session, "dialogue = dialogue + 1", {});
}

WriteResult<Nothing> release_session(const WriteContext& context, const std::string& session) {
  context.database.query(
      "UPDATE session SET holder = NULL, lease_until = NULL WHERE id = $1 AND holder = $2",
      {session, context.holder});
  return {WriteStatus::kDone, {}, ""};
}

WriteResult<Nothing> delete_session(const WriteContext& context, const std::string& session) {
  const auto claim = claim_session(context, session);
  if (claim.status != WriteStatus::kDone) return {claim.status, {}, ""};
  context.database.query("DELETE FROM session WHERE id = $1", {session});
  return {WriteStatus::kDone, {}, ""};
}

WriteResult<Nothing> put_meta(const WriteContext& context, const std::string& key,
                              const std::string& value) {
  context.database.query(
      "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2",
      {key, value});
  return {WriteStatus::kDone, {}, ""};
}

WriteResult<std::int64_t> delete_expired(const WriteContext& context) {
  const auto rows = context.database.query(
      "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires < $1 LIMIT 16) "
      "RETURNING id",
      {to_integer(context.now)});
  return {WriteStatus::kDone, static_cast<std::int64_t>(rows.size()), ""};
}

void apply_keep(const WriteContext& context) {
  using std::chrono::milliseconds;
  const auto keep = context.keep ? SqlValue(milliseconds(*context.keep).count()) : SqlValue();
  context.database.query(
      "UPDATE session SET expires = seen + $1 WHERE expires IS DISTINCT FROM seen + $1", {keep});
}

void renew_leases(const WriteContext& context) {
  context.database.query("UPDATE session SET lease_until = $1 WHERE holder = $2",
                         {lease_end(context), context.holder});
}

void release_leases(const WriteContext& context) {
  context.database.query("UPDATE session SET holder = NULL, lease_until = NULL WHERE holder = $1",
                         {context.holder});
}

}  // namespace banter::serve
