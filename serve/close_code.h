#pragma once

#include <cstdint>

namespace banter::serve {

/// Why a WebSocket ends: the number is what travels.
/// Source   RFC 6455, section 7.4; those from 4000 on are ours
enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,    ///< the server stops, after a drain
  kProtocol = 1002,     ///< Beast's
  kUnsupported = 1003,  ///< a binary frame where text is spoken
  kAbnormal = 1006,     ///< never sent: the peer went without a Close frame
  kBadUtf8 = 1007,      ///< Beast's
  kPolicy = 1008,       ///< a flood, or a message that comes too slowly
  kTooBig = 1009,       ///< Beast's
  kInternal = 1011,
  kRestart = 1012,
  kTryLater = 1013,  ///< overloaded, or a reader that is too slow
  kBadRequests = 4400,
  kUnauthorized = 4401,
  kForbidden = 4403,
  kNoHello = 4408,
  kTakenOver = 4409,
  kExpired = 4410,
  kRateLimited = 4429,
};

}  // namespace banter::serve
