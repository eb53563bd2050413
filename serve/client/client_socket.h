#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ssl/context.hpp>

#include "serve/client/server_address.h"
#include "serve/net/asio.h"

/// A WebSocket from the client's side. Beast stands in its .cpp alone.
namespace banter::serve {

using Endpoint = net::generic::stream_protocol::endpoint;

/// What a client needs to know of a server to open connections to it.
struct ClientSocketOptions {
  ServerAddress address;
  std::string subprotocol{};                            ///< asked for; "": none
  std::optional<std::string> token{};                   ///< shown as `Authorization: Bearer`
  std::shared_ptr<net::ssl::context> tls{};             ///< of wss://
  std::chrono::milliseconds handshake_timeout{10'000};  ///< for TCP, TLS and HTTP together
  std::chrono::milliseconds closing_timeout{2'000};     ///< for the answer to our Close frame
  std::chrono::milliseconds peer_timeout{0};  ///< silence; half of it brings a ping; 0: for ever
  int receive_bytes = 0;  ///< of the kernel's buffer for what nobody has read yet; 0: its choice
};

/// Why a connection could not be opened.
struct OpenFailure {
  std::string why;        ///< "Connection refused", "the server answered 403"
  bool is_final = false;  ///< trying again will not help
  int status = 0;         ///< of HTTP, where that is what was answered
};

/// A whole text of the server, or the end of the connection.
struct Received {
  std::optional<std::string> text{};
  std::uint16_t close_code = 1006;  ///< of the end; 1006: without a Close frame
  std::string why{};                ///< of the end: the server's reason, or the fault
};

/// A context that checks certificates by the system's authorities and, if `authorities` is not
/// empty, by those in that PEM file too.
/// Throws   ConfigError when the file cannot be used
std::shared_ptr<net::ssl::context> client_tls_context(const std::string& authorities);

/// The addresses of a host, to be tried in order.
/// Throws   FileError naming the host when it has none
std::vector<Endpoint> endpoints_of(const ServerAddress& address);

/// One connection. A shared_ptr holds it while something of it is under way.
///
/// Threads  its strand alone
class ClientSocket : public std::enable_shared_from_this<ClientSocket> {
 public:
  static std::shared_ptr<ClientSocket> make(const Strand& strand, ClientSocketOptions options);
  virtual ~ClientSocket() = default;

  /// Connects and shakes hands. Nothing when the WebSocket is open.
  virtual Task<std::optional<OpenFailure>> open(std::vector<Endpoint> endpoints) = 0;
  /// The next text; call again and again, also while closing: pongs and the end arrive through it.
  virtual Task<Received> receive() = 0;
  /// Queues a text; a failed write shows in `receive`.
  virtual void send(std::string text) = 0;
  /// Sends a Close frame behind what is queued; `receive` tells the end, at most `closing_timeout`
  /// later.
  virtual void close(std::uint16_t code) = 0;
  /// Ends the connection without a Close frame.
  virtual void cut() = 0;
};

}  // namespace banter::serve
