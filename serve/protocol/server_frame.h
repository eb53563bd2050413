#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "serve/protocol/codes.h"
#include "serve/protocol/decode_json.h"
#include "serve/protocol/persona.h"
#include "serve/protocol/reply_parts.h"
#include "serve/protocol/request_error.h"

/// What a server of chat.v1 says. The fields are those of `serve/PROTOCOL.md`; turns are numbered
/// from 0, users' and replies' alike, and `turn` is the reply's number where nothing else is said.
namespace banter::serve {

struct ModelName {
  std::string id{};
  std::string revision{};  ///< of the checkpoint
  std::string type{};      ///< "hred"
};

/// What a client should keep to; what is beyond is refused.
struct ShownLimits {
  std::int64_t bytes = 0;   ///< of a frame
  std::int64_t chars = 0;   ///< of a message's text
  std::int64_t tokens = 0;  ///< of a message's text
  std::int64_t turns_per_min = 0;
};

struct Ready {
  static constexpr std::string_view kType = "ready";
  std::string session{};
  std::int64_t epoch = 1;      ///< one life of the session in one server process
  std::string resume_token{};  ///< single use
  bool resumed = false;
  ModelName model{};
  ShownLimits limits{};
  std::vector<Persona> personas{};  ///< those of the server, each with its id
  DecodeOffer decode{};
  std::vector<AttentionLevel> attention{};  ///< that this model has
};

/// The values in effect from the next turn on.
struct SessionUpdated {
  static constexpr std::string_view kType = "session.updated";
  Persona persona{};
  DecodeSettings decode{};
  AttentionLevel attention = AttentionLevel::kNone;
  bool attention_live = false;
};

/// The user's text is stored; exactly one Done follows.
struct Accepted {
  static constexpr std::string_view kType = "accepted";
  std::string id{};
  std::int64_t turn = 0;
  std::int64_t seed = 0;
};

/// One token of a reply and what it attends to.
struct TokenWeights {
  std::string text{};
  std::vector<SourceWeight> weights{};
  std::optional<std::vector<SourceWeight>> turns{};  ///< where `weights` are of single tokens
};

struct Delta {
  static constexpr std::string_view kType = "delta";
  std::string id{};
  std::int64_t turn = 0;
  std::string text{};                                 ///< what the reply goes on with
  std::optional<std::vector<TokenWeights>> tokens{};  ///< with live attention
};

struct Progress {
  static constexpr std::string_view kType = "progress";
  std::string id{};
  std::int64_t turn = 0;
  std::int64_t tokens = 0;  ///< made so far
};

struct Attention {
  static constexpr std::string_view kType = "attention";
  std::int64_t turn = 0;
  AttentionWeights weights{};
};

struct OtherReply {
  std::string text{};
  std::optional<double> score{};
};

/// Tokens of a turn.
struct Usage {
  std::int64_t prompt = 0;      ///< of the context, facts included
  std::int64_t completion = 0;  ///< of the reply, all of the replies made
  std::int64_t cached = 0;      ///< of `prompt`, those that were encoded before
};

/// Sent in milliseconds, each counted from `accepted` but for `queue`, the wait before the first
/// step.
struct Times {
  std::chrono::microseconds queue{0};
  std::optional<std::chrono::microseconds> first{};  ///< token; absent when there was none
  std::chrono::microseconds total{0};
};

struct Done {
  static constexpr std::string_view kType = "done";
  std::string id{};
  std::int64_t turn = 0;
  Finish finish = Finish::kStop;
  std::string text{};             ///< the reply, whatever the deltas were
  std::optional<double> score{};  ///< what replies are sorted by; absent where none was finished
  std::optional<std::vector<OtherReply>> others{};        ///< with n > 1, best first
  std::optional<std::vector<FactVerdict>> consistency{};  ///< where a judge is loaded
  Usage usage{};
  Times ms{};
  std::int64_t seed = 0;
  std::int64_t truncated_turns = 0;  ///< oldest turns that the model did not read
};

struct Exported {
  static constexpr std::string_view kType = "exported";
  std::string dialogue{};  ///< one line that `banter prepare` reads, without the newline
};

/// One stored turn.
struct HistoryItem {
  std::int64_t turn = 0;
  std::int64_t version = 0;   ///< from 0; of a user's turn always 0
  std::int64_t versions = 1;  ///< how many there are of this turn
  Role role = Role::kUser;
  std::string text{};
  std::optional<Finish> finish{};  ///< this and all below: of replies
  std::optional<AttentionWeights> attention{};
  std::optional<std::vector<FactVerdict>> consistency{};
  std::optional<Persona> persona{};  ///< that the reply was made with
  std::optional<std::int64_t> rating{};
};

struct History {
  static constexpr std::string_view kType = "history";
  std::vector<HistoryItem> items{};  ///< by turn and version, oldest first
  bool more = false;                 ///< whether there are older ones
};

struct ErrorFrame {
  static constexpr std::string_view kType = "error";
  ErrorCode code = ErrorCode::kInternal;
  std::string message{};  ///< a fixed text, never an echo of input
  std::optional<std::string> field{};
  std::optional<std::string> id{};
  std::optional<std::chrono::milliseconds> retry_after{};
  bool fatal = false;  ///< the server closes the socket next

  /// What answers a frame that cannot be taken.
  static ErrorFrame of(const RequestError& error);
};

struct Draining {
  static constexpr std::string_view kType = "draining";
  std::chrono::milliseconds deadline{0};  ///< from now
};

struct Pong {
  static constexpr std::string_view kType = "pong";
  double t = 0;  ///< the ping's
};

using ServerFrame = std::variant<Ready, SessionUpdated, Accepted, Delta, Progress, Attention, Done,
                                 Exported, History, ErrorFrame, Draining, Pong>;

/// The text of a frame: one JSON object with `type` and `seq`, valid UTF-8 whatever bytes its texts
/// hold (bad ones become U+FFFD), numbers that are not finite as null.
std::string server_frame_text(const ServerFrame& frame, std::int64_t seq);
/// The same without a copy into a ServerFrame: deltas are most of what is sent.
std::string server_frame_text(const Delta& delta, std::int64_t seq);

}  // namespace banter::serve
