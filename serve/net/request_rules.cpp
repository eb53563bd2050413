#include "serve/net/request_rules.h"

#include <algorithm>

#include "base/utf8.h"

namespace banter::serve {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && base::is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && base::is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// 16 bytes in base64: 22 digits and "==", the last digit with four bits of zero.
bool is_websocket_key(std::string_view key) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == 24 && key.ends_with("==") && key.find_first_not_of(kDigits) == 22 &&
         (kDigits.find(key[21]) & 15U) == 0;
}

void check_length(const Request& request) {
  const auto* coding = request.field("Transfer-Encoding");
  if (coding == nullptr) {
    if (request.count("Content-Length") > 1) throw HttpError(400, "Content-Length stands twice");
    return;
  }
  if (request.count("Transfer-Encoding") > 1 || !base::equal_but_for_case(*coding, "chunked")) {
    throw HttpError(400, "Transfer-Encoding has to be chunked and nothing else");
  }
  if (request.field("Content-Length") != nullptr) {
    throw HttpError(400, "Content-Length and Transfer-Encoding exclude each other");
  }
  if (request.version < 11) throw HttpError(400, "HTTP/1.0 has no Transfer-Encoding");
}

}  // namespace

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (base::equal_but_for_case(trimmed(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

void check_request(const Request& request, std::size_t max_fields) {
  if (request.fields.size() > max_fields) throw HttpError(431, "the request has too many fields");
  if (request.target.empty() || request.target.front() != '/') {
    throw HttpError(400, "the request's target has to be a path");
  }
  const auto hosts = request.count("Host");
  if (hosts > 1) throw HttpError(400, "Host stands twice");
  if (hosts == 0 && request.version >= 11) throw HttpError(400, "Host is missing");
  check_length(request);
  if (request.version < 11 && request.field("Upgrade") != nullptr) {
    throw HttpError(400, "HTTP/1.0 cannot be upgraded");
  }
  if (const auto* expect = request.field("Expect");
      expect != nullptr && !base::equal_but_for_case(*expect, "100-continue")) {
    throw HttpError(417, "Expect has to be 100-continue");
  }
}

bool asks_for_websocket(const Request& request) {
  const auto* upgrade = request.field("Upgrade");
  return upgrade != nullptr && has_word(*upgrade, "websocket");
}

void check_handshake(const Request& request, const SocketRoute& route) {
  const auto* version = request.field("Sec-WebSocket-Version");
  if (!asks_for_websocket(request) || version == nullptr || *version != "13") {
    throw HttpError(426, "this path speaks WebSocket, version 13",
                    {{"Sec-WebSocket-Version", "13"}, {"Upgrade", "websocket"}});
  }
  const auto* connection = request.field("Connection");
  if (connection == nullptr || !has_word(*connection, "upgrade")) {
    throw HttpError(400, "Connection has to name Upgrade");
  }
  const auto* key = request.field("Sec-WebSocket-Key");
  if (key == nullptr || request.count("Sec-WebSocket-Key") > 1 || !is_websocket_key(*key)) {
    throw HttpError(400, "Sec-WebSocket-Key has to be 16 bytes in base64");
  }
  const auto* protocols = request.field("Sec-WebSocket-Protocol");
  if (protocols != nullptr && !route.subprotocol.empty() &&
      !has_word(*protocols, route.subprotocol)) {
    throw HttpError(400, "Sec-WebSocket-Protocol has none that is spoken here");
  }
  if (const auto* length = request.field("Content-Length");
      request.field("Transfer-Encoding") != nullptr || (length != nullptr && *length != "0")) {
    throw HttpError(400, "a handshake has no body");
  }
}

}  // namespace banter::serve
