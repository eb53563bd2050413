#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "serve/net/http.h"

/// Which pages and which names may speak to a listener. Pure functions over one struct.
namespace banter::serve {

struct OriginRules {
  std::vector<std::string> hosts;    ///< as `Host` gives them, lower case, the port included
  std::vector<std::string> origins;  ///< as browsers write them: "https://chat.example.org"
  bool checks_host = true;           ///< false on a Unix socket: there is no name to rebind
  bool takes_missing_origin = true;  ///< of a WebSocket without a token: loopback, none configured
};

/// Names under which a listener at `address`:`port` is reached, each with its origin: the address,
/// and for loopback `localhost`. `names`: more of them, from the user, with or without a port.
OriginRules own_rules(std::string_view address, std::uint16_t port, bool is_tls,
                      const std::vector<std::string>& names);

/// Throws   HttpError 403 when `Host` is none of the listener's names: a page elsewhere may have
///          had its own name rebound to this address
void check_host(const Request& request, const OriginRules& rules);

/// Throws   HttpError 403 when `Origin` is there and not, as a whole string, one of the list; for
///          a WebSocket (`is_socket`) also when it is missing and nothing else speaks for the
///          client
void check_origin(const Request& request, const OriginRules& rules, bool is_socket);

/// An address on which only this machine can reach us: 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view address);

/// The client's address: the peer's or, where that is a listed proxy, the last one in
/// `X-Forwarded-For` that is none.
std::string client_address(const Request& request, const std::string& peer,
                           const std::vector<std::string>& proxies);

}  // namespace banter::serve
