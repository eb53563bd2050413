#pragma once

#include <cstddef>
#include <string>

#include "serve/net/http.h"
#include "serve/net/router.h"

/// What a request has to keep to beyond what Beast 1.81 checks. Pure functions.
namespace banter::serve {

/// Throws   HttpError 400 for a transfer coding that is not exactly `chunked`, or beside a length;
///          for none or several `Host` fields in HTTP/1.1, several in 1.0; for an upgrade in
///          HTTP/1.0; 431 for more than `max_fields` fields; 417 for an unknown expectation
void check_request(const Request& request, std::size_t max_fields);

/// Whether the client wants to speak WebSocket: an `Upgrade` field that names it.
bool asks_for_websocket(const Request& request);

/// Throws   HttpError 426 when the request is no WebSocket handshake of version 13, 400 when its
///          key is not 16 bytes in base64, its connection field or its subprotocol is another
void check_handshake(const Request& request, const SocketRoute& route);

/// Whether a comma-separated list holds a word, whatever its case.
bool has_word(std::string_view list, std::string_view word);

}  // namespace banter::serve
