#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "serve/archive/connection.h"

/// Between rows of the tables and plain structs.
namespace banter::serve {

/// The columns that `to_session` reads, in its order.
inline constexpr std::string_view kSessionColumns =
    "id, \"user\", resume_hash, resume_hash_before, persona, decode, dialogue, epoch, created, "
    "seen, expires";
/// The columns that `to_turn` reads, in its order.
inline constexpr std::string_view kTurnColumns =
    "session, dialogue, turn, version, role, client_id, text, seed, decode, persona, attention, "
    "consistency, rating, finish, revision, ms_queue, ms_total, created";
inline constexpr std::size_t kTurnColumnCount = 18;

SessionRow to_session(const SqlRow& row);
TurnRow to_turn(const SqlRow& row);

std::int64_t to_integer(WallTime time);  ///< milliseconds since the Unix epoch
WallTime to_time(std::int64_t milliseconds);
std::int64_t to_integer(std::uint64_t seed);  ///< the same 64 bits

}  // namespace banter::serve
