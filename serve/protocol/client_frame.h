#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "serve/protocol/codes.h"
#include "serve/protocol/decode_settings.h"
#include "serve/protocol/persona.h"

/// What a client of chat.v1 can say. The fields are those of `serve/PROTOCOL.md`.
namespace banter::serve {

inline constexpr std::size_t kMaxFrameBytes = 65'536;

/// What a server takes in one frame, besides the fixed bounds above.
struct FrameLimits {
  std::int64_t max_text_chars = 65'536;  ///< code points of a message: all that a frame holds
  std::int64_t max_facts = 100;          ///< of a persona that a client writes
  std::int64_t max_fact_chars = 1000;    ///< code points of one of them
  DecodeLimits decode;
};

/// Where a connection that was lost goes on.
struct Resume {
  std::string session{};
  std::string resume_token{};
  std::int64_t epoch = 0;
  std::int64_t last_seq = 0;
  bool operator==(const Resume&) const = default;
};

struct Hello {
  static constexpr std::string_view kType = "hello";
  std::optional<std::string> token{};   ///< what lets the client in; never logged
  std::optional<std::string> client{};  ///< the name of its software
  std::optional<Resume> resume{};
  bool operator==(const Hello&) const = default;
};

struct SessionUpdate {
  static constexpr std::string_view kType = "session.update";
  std::optional<Persona> persona{};  ///< by id (no facts then), or facts without one
  std::optional<DecodeChange> decode{};
  std::optional<AttentionLevel> attention{};
  std::optional<bool> attention_live{};
  bool operator==(const SessionUpdate&) const = default;
};

struct Message {
  static constexpr std::string_view kType = "message";
  std::string id{};                      ///< the client's choice; the same again is the same turn
  std::string text{};                    ///< what the user says
  std::optional<DecodeChange> decode{};  ///< for this turn only
  bool operator==(const Message&) const = default;
};

struct Regenerate {
  static constexpr std::string_view kType = "regenerate";
  std::string id{};
  std::int64_t turn = 0;                 ///< the reply's number
  std::optional<DecodeChange> decode{};  ///< for this version only
  bool operator==(const Regenerate&) const = default;
};

struct Cancel {
  static constexpr std::string_view kType = "cancel";
  std::optional<std::string> id{};  ///< absent: whatever runs
  bool operator==(const Cancel&) const = default;
};

struct Reset {
  static constexpr std::string_view kType = "reset";
  bool operator==(const Reset&) const = default;
};

struct HistoryRequest {
  static constexpr std::string_view kType = "history";
  static constexpr std::int64_t kMaxLimit = 100;
  std::optional<std::int64_t> before{};  ///< turns of a smaller number; absent: the last ones
  std::int64_t limit = 50;               ///< items, 1 to kMaxLimit
  bool operator==(const HistoryRequest&) const = default;
};

struct Export {
  static constexpr std::string_view kType = "export";
  bool operator==(const Export&) const = default;
};

struct Delete {
  static constexpr std::string_view kType = "delete";
  bool operator==(const Delete&) const = default;
};

struct Rate {
  static constexpr std::string_view kType = "rate";
  std::int64_t turn = 0;   ///< the reply's number
  std::int64_t value = 0;  ///< 1 good, -1 bad, 0 neither
  bool operator==(const Rate&) const = default;
};

struct Ping {
  static constexpr std::string_view kType = "ping";
  double t = 0;  ///< the client's clock, sent back as it is
  bool operator==(const Ping&) const = default;
};

using ClientFrame = std::variant<Hello, SessionUpdate, Message, Regenerate, Cancel, Reset,
                                 HistoryRequest, Export, Delete, Rate, Ping>;

/// Reads the text of a frame.
///
/// Throws   RequestError, and nothing else but bad_alloc: kTooLong when it or one of its texts is
///          longer than the limits, kBadJson when it is not one JSON text, kUnknownType,
///          kBadRequest when a field is missing or breaks its rule; with the frame's `id` where
///          that is sound
ClientFrame read_client_frame(std::string_view text, const FrameLimits& limits = {});

/// The text of a frame, which reads back to an equal one: for clients, and for tests.
std::string client_frame_text(const ClientFrame& frame);

}  // namespace banter::serve
