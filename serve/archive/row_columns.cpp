#include "serve/archive/row_columns.h"

#include <bit>

namespace banter::serve {

SessionRow to_session(const SqlRow& row) {
  SessionRow session;
  session.id = row.text(0);
  session.user = row.text(1);
  session.resume_hash = row.text(2);
  session.resume_hash_before = row.text(3);
  session.persona = row.text(4);
  session.decode = row.text(5);
  session.dialogue = row.integer(6);
  session.epoch = row.integer(7);
  session.created = to_time(row.integer(8));
  session.seen = to_time(row.integer(9));
  if (!row.is_null(10)) session.expires = to_time(row.integer(10));
  return session;
}

TurnRow to_turn(const SqlRow& row) {
  TurnRow turn;
  turn.session = row.text(0);
  turn.dialogue = row.integer(1);
  turn.turn = row.integer(2);
  turn.version = row.integer(3);
  turn.role = row.text(4) == "user" ? TurnRole::kUser : TurnRole::kReply;
  turn.client_id = row.text(5);
  turn.text = row.text(6);
  turn.seed = std::bit_cast<std::uint64_t>(row.integer(7));
  turn.decode = row.text(8);
  turn.persona = row.text(9);
  turn.attention = row.text(10);
  turn.consistency = row.text(11);
  turn.rating = row.integer(12);
  turn.finish = row.text(13);
  turn.revision = row.text(14);
  turn.ms_queue = row.integer(15);
  turn.ms_total = row.integer(16);
  turn.created = to_time(row.integer(17));
  return turn;
}

std::int64_t to_integer(WallTime time) { return time.time_since_epoch().count(); }

WallTime to_time(std::int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(milliseconds));
}

std::int64_t to_integer(std::uint64_t seed) { return std::bit_cast<std::int64_t>(seed); }

}  // namespace banter::serve
