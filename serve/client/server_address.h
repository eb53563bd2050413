#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace banter::serve {

/// Where a server is reached.
struct ServerAddress {
  bool is_tls = false;
  std::string host{};  ///< a name, or an address without brackets
  std::uint16_t port = 0;
  std::string target{};  ///< path and query, from '/' on

  /// As it stands in a `Host` field: brackets around IPv6, the port always.
  [[nodiscard]] std::string host_field() const;
  [[nodiscard]] std::string text() const;  ///< as a URL

  /// Reads `ws://HOST:PORT` or `wss://HOST`; without a path it gets `path`. The port is the
  /// scheme's where none stands.
  /// Throws   UsageError naming `option` and the rule; a name, a password or a token in the URL
  ///          is refused and not repeated, since URLs end up in logs
  static ServerAddress parse(std::string_view url, std::string_view option, std::string_view path);
};

}  // namespace banter::serve
