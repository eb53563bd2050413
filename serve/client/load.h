#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/client/client_socket.h"
#include "serve/client/process_use.h"
#include "serve/client/samples.h"
#include "serve/protocol/decode_settings.h"

namespace banter::serve {

/// What connections do besides staying open.
enum class LoadKind : std::uint8_t {
  kTurns,  ///< chat.v1: a message, its reply, the next message
  kEcho,   ///< a message and its echo
  kStorm,  ///< handshakes, each closed at once
  kIdle,   ///< nothing
};

struct LoadOptions {
  LoadKind kind = LoadKind::kTurns;
  ClientSocketOptions socket;
  std::vector<Endpoint> endpoints;
  std::int64_t users = 1;  ///< connections that talk
  std::int64_t turns = 0;  ///< of each user, then it is done; 0: until the time is up
  double seconds = 0;      ///< from the moment that all are connected; 0: until the turns are done
  double rate = 0;         ///< turns or handshakes a second; 0: one behind the other
  std::int64_t idle = 0;   ///< connections that only stay open
  std::int64_t deaf = 0;   ///< connections that talk and never read
  std::size_t message_bytes = 128;    ///< kEcho
  std::vector<std::string> texts;     ///< said in turn
  std::vector<std::string> settings;  ///< NAME=VALUE of decode, for every message
  std::optional<std::int64_t> pid;    ///< the server's process, to look at
};

/// Turns of a conversation that are alike in what stands before them.
struct Depth {
  std::string_view name;
  std::int64_t last = 1;  ///< the last of these turns of a user in one session, from 1
};
inline constexpr std::array kDepths = {Depth{"1-2", 2}, Depth{"3-10", 10}, Depth{"11-24", 24},
                                       Depth{"25+", std::numeric_limits<std::int64_t>::max()}};

/// What was seen. Times are from the intended begin, also where the client was late for it.
struct LoadResult {
  double seconds = 0;              ///< from the moment that all were connected to the last reply
  Samples handshake;               ///< TCP, TLS and HTTP
  Samples ready;                   ///< from `hello` to `ready`
  Samples accepted, first, whole;  ///< of a turn; an echo and a storm have `whole` and none of them
  Samples refused;                 ///< turns that had an `error` instead
  std::array<Samples, kDepths.size()> whole_at;  ///< of a turn, by its place in its conversation
  std::int64_t turns = 0;                        ///< that had their `done`; of an echo, messages
  std::int64_t unstarted = 0;                    ///< with a rate: those that nobody was free for
  std::int64_t tokens = 0;                       ///< of replies
  std::int64_t idle_open = 0;                    ///< idle connections at the end of the time
  std::int64_t idle_lost = 0;                    ///< that the server closed before
  std::int64_t deaf_closed = 0;  ///< deaf connections that the server closed within the time
  std::map<std::string, std::int64_t> finishes;  ///< how replies ended
  std::map<std::string, std::int64_t> errors;    ///< `error` frames, by code
  std::map<std::string, std::int64_t>
      failures;  ///< connections that could not be opened, by reason
  std::map<std::uint16_t, std::int64_t> closes;            ///< how connections ended
  double client_cpu_seconds = 0;                           ///< of this process, in `seconds`
  double server_cpu_seconds = 0;                           ///< with `pid`, in `seconds`
  std::int64_t server_bytes_before = 0, server_bytes = 0;  ///< resident: before all, at the end
};

/// Puts load on a server, from one thread.
/// Throws   FileError when the process to look at is not there; Stopped
LoadResult run_load(const LoadOptions& options);

}  // namespace banter::serve
