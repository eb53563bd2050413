#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "serve/net/echo.h"
#include "tests/fuzz/fuzzed_connection.h"

namespace {

using namespace banter::serve;
using banter::tests::expect;

constexpr std::uint8_t kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

/// Limits that small inputs reach.
NetSettings small_settings() {
  NetSettings settings;
  settings.max_message_bytes = 300;
  settings.max_fragments = 4;
  settings.max_control_frames = 6;
  // Where a peer breaks a rule while our Close is on its way, only this ends the connection.
  settings.closing = milliseconds(2);
  return settings;
}

struct Frame {
  std::uint8_t opcode = 0;
  bool is_final = false, is_masked = false, has_reserved_bits = false, is_minimal = true;
  std::string payload;
};

/// Takes the first frame (RFC 6455, 5.2) off `bytes`; false when it is not all there.
bool take_frame(std::string_view& bytes, Frame& frame) {
  if (bytes.size() < 2) return false;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  frame.opcode = byte(0) & 0x0fU;
  frame.is_final = (byte(0) & 0x80U) != 0;
  frame.has_reserved_bits = (byte(0) & 0x70U) != 0;
  frame.is_masked = (byte(1) & 0x80U) != 0;
  std::uint64_t length = byte(1) & 0x7fU;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  std::size_t at = 2 + extended;
  if (bytes.size() < at) return false;
  if (extended > 0) {
    length = 0;
    for (std::size_t i = 2; i < at; ++i) length = length << 8U | byte(i);
    frame.is_minimal = extended == 2 ? length > 125 : length > 0xffff;
  }
  const auto mask = at;
  if (frame.is_masked) at += 4;
  if (bytes.size() < at || bytes.size() - at < length) return false;
  frame.payload = bytes.substr(at, static_cast<std::size_t>(length));
  if (frame.is_masked) {
    for (std::size_t i = 0; i < frame.payload.size(); ++i)
      frame.payload[i] =
          static_cast<char>(byte(mask + i % 4) ^ static_cast<std::uint8_t>(frame.payload[i]));
  }
  bytes.remove_prefix(at + static_cast<std::size_t>(length));
  return true;
}

struct Message {
  bool is_text = false;
  std::string payload;
  bool operator==(const Message&) const = default;
};

/// What a peer says before it ends, breaks a rule or a limit, or stops inside a frame.
struct Said {
  std::vector<Message> messages;
  bool is_sound = false;  ///< it did none of these
};

Said read_peer(std::string_view bytes, const NetSettings& settings) {
  Said said;
  Message open;
  std::size_t fragments = 0, controls = 0;
  while (!bytes.empty()) {
    Frame frame;
    if (!take_frame(bytes, frame)) return said;
    if (!frame.is_masked || frame.has_reserved_bits || !frame.is_minimal) return said;
    if (frame.opcode == kPing || frame.opcode == kPong) {
      if (!frame.is_final || frame.payload.size() > 125) return said;
      if (++controls > settings.max_control_frames) return said;
      continue;
    }
    const bool begins = frame.opcode == kText || frame.opcode == kBinary;
    if (!begins && frame.opcode != kContinuation) return said;
    if (begins != (fragments == 0)) return said;
    if (begins) open = {.is_text = frame.opcode == kText, .payload = {}};
    open.payload += frame.payload;
    if (++fragments > settings.max_fragments) return said;
    if (open.payload.size() > settings.max_message_bytes) return said;
    if (!frame.is_final) continue;
    if (open.is_text && banter::base::first_bad_utf8(open.payload)) return said;
    said.messages.push_back(std::exchange(open, {}));
    fragments = 0;
  }
  said.is_sound = fragments == 0;
  return said;
}

/// Codes that a Close frame may carry (RFC 6455, 7.4), without those of our own failures. What a
/// peer's own code above 4999 means is left open there; it comes back as it is.
bool is_close_code(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1010) ||
         (code >= 1012 && code <= 1014) || code >= 3000;
}

/// What a server may send (RFC 6455, 5): whole frames, none masked, none behind its Close.
std::vector<Message> read_server(std::string_view bytes, bool& is_closed) {
  std::vector<Message> messages;
  is_closed = false;
  while (!bytes.empty()) {
    Frame frame;
    expect(!is_closed && take_frame(bytes, frame));
    expect(frame.is_final && !frame.is_masked && !frame.has_reserved_bits && frame.is_minimal);
    if (frame.opcode == kText || frame.opcode == kBinary) {
      expect(frame.opcode == kBinary || !banter::base::first_bad_utf8(frame.payload));
      messages.push_back({frame.opcode == kText, std::move(frame.payload)});
      continue;
    }
    expect(frame.payload.size() <= 125);
    if (frame.opcode == kClose) {
      is_closed = true;
      expect(frame.payload.size() != 1);
      if (frame.payload.size() >= 2) {
        const auto high = static_cast<std::uint8_t>(frame.payload[0]);
        expect(is_close_code(high * 256U + static_cast<std::uint8_t>(frame.payload[1])));
      }
    } else {
      expect(frame.opcode == kPing || frame.opcode == kPong);
    }
  }
  return messages;
}

constexpr std::string_view kHandshake =
    "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
constexpr std::string_view kCloseFrame("\x88\x80\0\0\0\0", 6);

}  // namespace

/// An echo of any bytes behind a handshake: what comes back is frames as a server may send them,
/// with the messages that an independent reading finds, in their order; all of them, and a Close,
/// when the peer kept to the rules. The first byte says in how large parts the others arrive.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto settings = small_settings();
  static banter::tests::FuzzedServer server(settings, {.router = echo_router(),
                                                       .origin = {.hosts = {"a"}, .origins = {}},
                                                       .tokens = nullptr,
                                                       .proxies = {},
                                                       .tls = nullptr});
  if (size == 0) return 0;
  const std::string_view frames(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto expected = read_peer(frames, settings);
  const auto said =
      server.replies_to(std::string(kHandshake) + std::string(frames), std::size_t{1} + data[0],
                        expected.is_sound ? kCloseFrame : std::string_view());
  const auto head = said.find("\r\n\r\n");
  expect(said.starts_with("HTTP/1.1 101 ") && head != std::string::npos);
  bool is_closed = false;
  const auto echoes = read_server(std::string_view(said).substr(head + 4), is_closed);
  expect(echoes.size() <= expected.messages.size() &&
         std::equal(echoes.begin(), echoes.end(), expected.messages.begin()));
  if (expected.is_sound) expect(is_closed && echoes.size() == expected.messages.size());
  return 0;
}
