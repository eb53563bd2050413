#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What the archive keeps, as plain values. Texts are valid UTF-8 without NUL; JSON is kept as the
/// text that it came as, and "" where there is none.
namespace banter::serve {

/// Wall-clock time, for what must outlive a process. Never for time-outs.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// A user's conversation: what a server needs to go on with it.
struct SessionRow {
  std::string id;                  ///< no secret
  std::string user;                ///< the id of the token that made it, "" where none is asked for
  std::string resume_hash;         ///< of the resume token given out last
  std::string resume_hash_before;  ///< of the one before, until the last one is proven; else ""
  std::string persona;             ///< JSON
  std::string decode;              ///< JSON
  std::int64_t dialogue = 0;       ///< the current one, from 0
  std::int64_t epoch = 1;          ///< lives of the session in a server process so far, from 1
  WallTime created, seen;
  std::optional<WallTime> expires;  ///< when it may be deleted; nothing: never
};

enum class TurnRole { kUser, kReply };

/// A user's turn, or one version of a reply.
struct TurnRow {
  std::string session;
  std::int64_t dialogue = 0;
  std::int64_t turn = 0;     ///< users' and replies' alike, from 0 in each dialogue
  std::int64_t version = 0;  ///< of a reply, from 0; a user's turn has one
  TurnRole role = TurnRole::kUser;
  std::string client_id;    ///< the client's id for what asked for it: message, or new version
  std::string text;         ///< "" in a reply that is owed
  std::uint64_t seed = 0;   ///< of a reply
  std::string decode;       ///< JSON in effect for a reply
  std::string persona;      ///< JSON in effect for a reply
  std::string attention;    ///< JSON as sent
  std::string consistency;  ///< JSON as sent
  std::int64_t rating = 0;  ///< of a reply: -1, 0, 1
  std::string finish;       ///< why a reply ended; "": it is still owed
  std::string revision;     ///< of the model that made a reply
  std::int64_t ms_queue = 0, ms_total = 0;  ///< of a reply, milliseconds
  WallTime created;

  /// Whether this reply was promised and has not been made yet.
  [[nodiscard]] bool is_owed() const { return role == TurnRole::kReply && finish.empty(); }
};

/// A message that the archive has: the user's turn and the latest version of its reply.
struct MessageRows {
  TurnRow user;
  TurnRow reply;
};

/// A turn of a history: a user's, or the latest finished version of a reply.
struct HistoryRow {
  TurnRow turn;
  std::int64_t versions = 1;  ///< finished versions of it
};

struct HistoryPage {
  std::vector<HistoryRow> items;  ///< in the order of turns
  bool has_more = false;          ///< there are earlier ones
};

struct NewSession {
  std::string id{}, user{}, resume_hash{}, persona{}, decode{};
};

/// A client came back with a resume token.
struct ResumeClaim {
  std::string session{};
  std::string presented_hash{};       ///< of the token that the client showed
  std::string next_hash{};            ///< of the token that it will get
  bool begins_life = false;           ///< first time in this server process: raises the epoch
  std::optional<std::string> user{};  ///< nobody else's session; nothing: anybody's
};

struct SessionChange {
  std::string session{};
  std::optional<std::string> persona{}, decode{};  ///< nothing: stays as it is
};

struct NewMessage {
  std::string session{}, client_id{}, text{};
  std::uint64_t seed = 0;
  std::string decode{}, persona{};  ///< in effect for the reply
};

/// One more reply to a user's turn of the current dialogue.
struct NewVersion {
  std::string session{};
  std::int64_t turn = 0;  ///< the reply's
  std::string client_id{};
  std::optional<std::uint64_t> seed{};  ///< nothing: the latest version's plus 1
  std::string decode{}, persona{};
};

/// How an owed reply ended.
struct FinishedReply {
  std::string session{};
  std::int64_t dialogue = 0, turn = 0, version = 0;
  std::string text{}, finish{};  ///< `finish` is not ""
  std::string attention{}, consistency{}, revision{};
  std::int64_t ms_queue = 0, ms_total = 0;
};

/// What a user thinks of the latest finished version of a reply of the current dialogue.
struct NewRating {
  std::string session{};
  std::int64_t turn = 0;   ///< the reply's
  std::int64_t value = 0;  ///< -1, 0 (withdrawn), 1
};

}  // namespace banter::serve
