#include "serve/client/server_address.h"

#include <algorithm>
#include <charconv>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::serve {
namespace {

constexpr std::uint16_t kPlainPort = 80, kTlsPort = 443;

bool is_url_byte(char c) { return c > ' ' && c <= '~'; }

}  // namespace

std::string ServerAddress::host_field() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string ServerAddress::text() const {
  return (is_tls ? "wss://" : "ws://") + host_field() + target;
}

ServerAddress ServerAddress::parse(std::string_view url, std::string_view option,
                                   std::string_view path) {
  const auto fail = [&](const std::string& why) {
    throw base::UsageError(std::string(option) + ": " + why);
  };
  const auto shown = [&] { return base::printable(url); };
  ServerAddress address;
  auto rest = url;
  if (rest.starts_with("wss://")) {
    address.is_tls = true;
    rest.remove_prefix(6);
  } else if (rest.starts_with("ws://")) {
    rest.remove_prefix(5);
  } else {
    fail(shown() + " must begin with ws:// or wss://");
  }
  if (!std::ranges::all_of(rest, is_url_byte)) fail(shown() + " holds a character that no URL has");
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  auto authority = rest.substr(0, end);
  address.target = rest.substr(end);
  if (authority.find('@') != std::string_view::npos ||
      address.target.find("token") != std::string::npos)
    fail("no name, password or token belongs in a URL; set BANTER_TOKEN or give --token-file");
  if (address.target.find('#') != std::string::npos) fail(shown() + " must not hold a #");
  if (address.target.empty() || address.target == "/") address.target = path;
  if (!address.target.starts_with('/')) address.target.insert(0, path);

  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) fail(shown() + " has no ] behind its address");
    address.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    address.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (address.host.empty()) fail(shown() + " names no host");
  address.port = address.is_tls ? kTlsPort : kPlainPort;
  if (!port.empty()) {
    const auto* last = port.data() + port.size();
    const auto [at, error] = std::from_chars(port.data() + 1, last, address.port);
    if (port.front() != ':' || port.size() < 2 || error != std::errc() || at != last ||
        address.port == 0)
      fail(shown() + ": the port must be a number from 1 to 65535");
  }
  return address;
}

}  // namespace banter::serve
