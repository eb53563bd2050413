#include <string>
#include <utility>
#include <vector>

#include "serve/archive/row_columns.h"
#include "serve/archive/session_claim.h"
#include "serve/archive/writes.h"

namespace banter::serve {
namespace {

std::string turns_where(const std::string& condition) {
  return "SELECT " + std::string(kTurnColumns) + " FROM turn WHERE " + condition;
}

/// The first row of a selection of turns.
std::optional<TurnRow> first_turn(Connection& database, const std::string& sql,
                                  const std::vector<SqlValue>& parameters) {
  const auto rows = database.query(sql, parameters);
  if (rows.empty()) return std::nullopt;
  return to_turn(rows.front());
}

std::optional<TurnRow> find_client_id(Connection& database, const std::string& session,
                                      const std::string& client_id) {
  static const std::string kSelect = turns_where("session = $1 AND client_id = $2");
  return first_turn(database, kSelect, {session, client_id});
}

std::optional<TurnRow> latest_version(Connection& database, const std::string& session,
                                      std::int64_t dialogue, std::int64_t turn) {
  static const std::string kSelect = turns_where(
      "session = $1 AND dialogue = $2 AND turn = $3 AND role = 'reply' "
      "ORDER BY version DESC LIMIT 1");
  return first_turn(database, kSelect, {session, dialogue, turn});
}

std::int64_t next_turn(Connection& database, const std::string& session, std::int64_t dialogue) {
  const auto rows = database.query(
      "SELECT COALESCE(MAX(turn), -1) + 1 FROM turn WHERE session = $1 AND dialogue = $2",
      {session, dialogue});
  return rows.at(0).integer(0);
}

void insert_turn(Connection& database, const TurnRow& turn) {
  static const std::string kInsert =
      "INSERT INTO turn (" + std::string(kTurnColumns) +
      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
  database.query(kInsert, {turn.session, turn.dialogue, turn.turn, turn.version,
                           std::string(turn.role == TurnRole::kUser ? "user" : "reply"),
                           turn.client_id.empty() ? SqlValue() : SqlValue(turn.client_id),
                           turn.text, to_integer(turn.seed), turn.decode, turn.persona,
                           turn.attention, turn.consistency, turn.rating, turn.finish,
                           turn.revision, turn.ms_queue, turn.ms_total, to_integer(turn.created)});
}

/// The message that a client's id stands for; of a new version's id, the message it answers.
MessageRows known_message(Connection& database, const TurnRow& known) {
  static const std::string kUserTurn =
      turns_where("session = $1 AND dialogue = $2 AND turn = $3 AND role = 'user'");
  if (known.role == TurnRole::kUser) {
    return {known, latest_version(database, known.session, known.dialogue, known.turn + 1).value()};
  }
  return {first_turn(database, kUserTurn, {known.session, known.dialogue, known.turn - 1}).value(),
          known};
}

}  // namespace

WriteResult<MessageRows> add_message(const WriteContext& context, const NewMessage& message) {
  auto& database = context.database;
  const auto claim = claim_session(context, message.session);
  if (claim.status != WriteStatus::kDone) return {claim.status, {}, ""};
  if (const auto known = find_client_id(database, message.session, message.client_id))
    return {WriteStatus::kKnown, known_message(database, *known), ""};

  MessageRows rows;
  rows.user.session = message.session;
  rows.user.dialogue = claim.value.dialogue;
  rows.user.turn = next_turn(database, message.session, claim.value.dialogue);
  rows.user.client_id = message.client_id;
  rows.user.text = message.text;
  rows.user.created = context.now;
  insert_turn(database, rows.user);

  rows.reply.session = message.session;
  rows.reply.dialogue = rows.user.dialogue;
  rows.reply.turn = rows.user.turn + 1;
  rows.reply.role = TurnRole::kReply;
  rows.reply.seed = message.seed;
  rows.reply.decode = message.decode;
  rows.reply.persona = message.persona;
  rows.reply.created = context.now;
  insert_turn(database, rows.reply);
  return {WriteStatus::kDone, std::move(rows), ""};
}

WriteResult<TurnRow> add_version(const WriteContext& context, const NewVersion& version) {
  auto& database = context.database;
  const auto claim = claim_session(context, version.session);
  if (claim.status != WriteStatus::kDone) return {claim.status, {}, ""};
  if (const auto known = find_client_id(database, version.session, version.client_id))
    return {WriteStatus::kKnown, known_message(database, *known).reply, ""};
  const auto latest = latest_version(database, version.session, claim.value.dialogue, version.turn);
  if (!latest) return {WriteStatus::kMissing, {}, ""};

  TurnRow row;
  row.session = version.session;
  row.dialogue = latest->dialogue;
  row.turn = version.turn;
  row.version = latest->version + 1;
  row.role = TurnRole::kReply;
  row.client_id = version.client_id;
  row.seed = version.seed.value_or(latest->seed + 1);
  row.decode = version.decode;
  row.persona = version.persona;
  row.created = context.now;
  insert_turn(database, row);
  return {WriteStatus::kDone, std::move(row), ""};
}

WriteResult<TurnRow> finish_reply(const WriteContext& context, const FinishedReply& reply) {
  static const std::string kReply =
      "session = $1 AND dialogue = $2 AND turn = $3 AND version = $4 AND role = 'reply'";
  static const std::string kFinish =
      "UPDATE turn SET text = $5, finish = $6, attention = $7, consistency = $8, revision = $9, "
      "ms_queue = $10, ms_total = $11 WHERE " +
      kReply + " AND finish = '' RETURNING " + std::string(kTurnColumns);
  static const std::string kSelect = turns_where(kReply);
  auto& database = context.database;
  const auto claim = claim_session(context, reply.session);
  if (claim.status != WriteStatus::kDone) return {claim.status, {}, ""};
  const auto finished = first_turn(
      database, kFinish,
      {reply.session, reply.dialogue, reply.turn, reply.version, reply.text, reply.finish,
       reply.attention, reply.consistency, reply.revision, reply.ms_queue, reply.ms_total});
  if (finished) return {WriteStatus::kDone, *finished, ""};
  const auto known =
      first_turn(database, kSelect, {reply.session, reply.dialogue, reply.turn, reply.version});
  if (!known) return {WriteStatus::kMissing, {}, ""};
  return {WriteStatus::kKnown, *known, ""};
}

WriteResult<TurnRow> rate(const WriteContext& context, const NewRating& rating) {
  static const std::string kRate =
      "UPDATE turn SET rating = $4 WHERE session = $1 AND dialogue = $2 AND turn = $3 "
      "AND version = (SELECT MAX(version) FROM turn WHERE session = $1 AND dialogue = $2 "
      "AND turn = $3 AND role = 'reply' AND finish <> '') RETURNING " +
      std::string(kTurnColumns);
  const auto claim = claim_session(context, rating.session);
  if (claim.status != WriteStatus::kDone) return {claim.status, {}, ""};
  const auto rated = first_turn(context.database, kRate,
                                {rating.session, claim.value.dialogue, rating.turn, rating.value});
  if (!rated) return {WriteStatus::kMissing, {}, ""};
  return {WriteStatus::kDone, *rated, ""};
}

}  // namespace banter::serve
