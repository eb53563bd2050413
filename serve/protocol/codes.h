#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "serve/close_code.h"

/// The words and numbers of chat.v1 that stand for something: one enumeration and one table each.
namespace banter::serve {

/// A value of an enumeration and how it is spelled in a frame.
template <typename Enum>
struct Named {
  Enum value;
  std::string_view name;
};
template <typename Enum>
Named(Enum, std::string_view) -> Named<Enum>;  // clang 14 deduces none of its own

/// What an `error` frame tells the client's program.
enum class ErrorCode : std::uint8_t {
  kBadJson,
  kBadRequest,
  kUnknownType,
  kTooLong,
  kBusy,
  kOverloaded,
  kRateLimited,
  kUnauthorized,
  kForbidden,
  kNotFound,
  kSessionExpired,
  kModelUnavailable,
  kTimeout,
  kStorage,
  kInternal,
};

inline constexpr std::array kErrorCodes = {
    Named{ErrorCode::kBadJson, "bad_json"},
    Named{ErrorCode::kBadRequest, "bad_request"},
    Named{ErrorCode::kUnknownType, "unknown_type"},
    Named{ErrorCode::kTooLong, "too_long"},
    Named{ErrorCode::kBusy, "busy"},
    Named{ErrorCode::kOverloaded, "overloaded"},
    Named{ErrorCode::kRateLimited, "rate_limited"},
    Named{ErrorCode::kUnauthorized, "unauthorized"},
    Named{ErrorCode::kForbidden, "forbidden"},
    Named{ErrorCode::kNotFound, "not_found"},
    Named{ErrorCode::kSessionExpired, "session_expired"},
    Named{ErrorCode::kModelUnavailable, "model_unavailable"},
    Named{ErrorCode::kTimeout, "timeout"},
    Named{ErrorCode::kStorage, "storage"},
    Named{ErrorCode::kInternal, "internal"},
};

/// Those that travel, with their reason texts.
inline constexpr std::array kCloseCodes = {
    Named{CloseCode::kNormal, "normal"},
    Named{CloseCode::kGoingAway, "going_away"},
    Named{CloseCode::kProtocol, "protocol_error"},
    Named{CloseCode::kUnsupported, "binary_frame"},
    Named{CloseCode::kBadUtf8, "bad_utf8"},
    Named{CloseCode::kPolicy, "flood"},
    Named{CloseCode::kTooBig, "too_big"},
    Named{CloseCode::kInternal, "internal"},
    Named{CloseCode::kRestart, "restart"},
    Named{CloseCode::kTryLater, "overloaded"},
    Named{CloseCode::kBadRequests, "bad_requests"},
    Named{CloseCode::kUnauthorized, "bad_token"},
    Named{CloseCode::kForbidden, "forbidden"},
    Named{CloseCode::kNoHello, "no_hello"},
    Named{CloseCode::kTakenOver, "taken_over"},
    Named{CloseCode::kExpired, "session_expired"},
    Named{CloseCode::kRateLimited, "rate_limited"},
};

/// How a reply ended.
enum class Finish : std::uint8_t { kStop, kLength, kCancelled, kTimeout, kError };

inline constexpr std::array kFinishes = {
    Named{Finish::kStop, "stop"},           Named{Finish::kLength, "length"},
    Named{Finish::kCancelled, "cancelled"}, Named{Finish::kTimeout, "timeout"},
    Named{Finish::kError, "error"},
};

/// Who said a turn.
enum class Role : std::uint8_t { kUser, kReply };

inline constexpr std::array kRoles = {Named{Role::kUser, "user"}, Named{Role::kReply, "reply"}};

/// How closely a reply's attention is shown.
enum class AttentionLevel : std::uint8_t { kNone, kTurns, kTokens };

inline constexpr std::array kAttentionLevels = {
    Named{AttentionLevel::kNone, "none"},
    Named{AttentionLevel::kTurns, "turns"},
    Named{AttentionLevel::kTokens, "tokens"},
};

/// What a reply says of a fact of the persona.
enum class Verdict : std::uint8_t { kEntails, kNeutral, kContradicts };

inline constexpr std::array kVerdicts = {
    Named{Verdict::kEntails, "entails"},
    Named{Verdict::kNeutral, "neutral"},
    Named{Verdict::kContradicts, "contradicts"},
};

constexpr const auto& names_of(ErrorCode) { return kErrorCodes; }
constexpr const auto& names_of(CloseCode) { return kCloseCodes; }
constexpr const auto& names_of(Finish) { return kFinishes; }
constexpr const auto& names_of(Role) { return kRoles; }
constexpr const auto& names_of(AttentionLevel) { return kAttentionLevels; }
constexpr const auto& names_of(Verdict) { return kVerdicts; }

/// How a value is spelled.
template <typename Enum>
constexpr std::string_view name_of(Enum value) {
  for (const auto& row : names_of(value)) {
    if (row.value == value) return row.name;
  }
  return {};
}

/// The value that is spelled so, or nothing.
template <typename Enum>
constexpr std::optional<Enum> named(std::string_view name) {
  for (const auto& row : names_of(Enum{})) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

}  // namespace banter::serve
