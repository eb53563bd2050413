#include "serve/net/origin.h"

#include <algorithm>

#include "base/utf8.h"

namespace banter::serve {
namespace {

std::string small(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), base::small_ascii);
  return result;
}

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

/// Whether a name says its port: "a:1" and "[::1]:1" do, "a" and "[::1]" do not.
bool has_port(std::string_view name) {
  const auto colon = name.rfind(':');
  return colon != std::string_view::npos && name.find(']', colon) == std::string_view::npos;
}

}  // namespace

OriginRules own_rules(std::string_view address, std::uint16_t port, bool is_tls,
                      const std::vector<std::string>& names) {
  const std::string scheme = is_tls ? "https" : "http";
  const auto with_port = ":" + std::to_string(port);
  const bool is_default_port = port == (is_tls ? 443 : 80);
  OriginRules rules;
  const auto add = [&](std::string_view name) {
    auto host = small(name);
    rules.hosts.push_back(host);
    rules.origins.push_back(scheme + "://" + host);
  };
  auto all = names;
  const bool is_ipv6 = address.find(':') != std::string_view::npos;
  all.push_back(is_ipv6 ? "[" + std::string(address) + "]" : std::string(address));
  if (is_loopback(address)) all.emplace_back("localhost");
  for (const auto& name : all) {
    if (has_port(name)) {
      add(name);
    } else {
      add(name + with_port);
      if (is_default_port) add(name);  // browsers leave the scheme's own port out
    }
  }
  return rules;
}

void check_host(const Request& request, const OriginRules& rules) {
  if (!rules.checks_host) return;
  const auto* host = request.field("Host");
  if (host == nullptr) return;  // HTTP/1.0, which no browser speaks
  if (!contains(rules.hosts, small(*host))) {
    throw HttpError(403, "Host is no name of this server; see --host-name");
  }
}

void check_origin(const Request& request, const OriginRules& rules, bool is_socket) {
  const auto count = request.count("Origin");
  if (count > 1) throw HttpError(403, "Origin stands twice");
  if (count == 1) {
    if (contains(rules.origins, *request.field("Origin"))) return;
    throw HttpError(403, "this Origin may not use the server; see --origin");
  }
  if (is_socket && request.user.empty() && !rules.takes_missing_origin) {
    throw HttpError(403, "without an Origin a WebSocket needs a bearer token");
  }
}

bool is_loopback(std::string_view address) {
  return address == "::1" || (address.starts_with("127.") && address.find(':') == address.npos);
}

std::string client_address(const Request& request, const std::string& peer,
                           const std::vector<std::string>& proxies) {
  auto address = peer;
  for (auto at = request.fields.rbegin(); at != request.fields.rend(); ++at) {
    if (!base::equal_but_for_case(at->name, "X-Forwarded-For")) continue;
    std::string_view list = at->value;
    while (!list.empty() && contains(proxies, address)) {
      const auto comma = list.rfind(',');
      auto last = comma == std::string_view::npos ? list : list.substr(comma + 1);
      list = comma == std::string_view::npos ? "" : list.substr(0, comma);
      while (last.starts_with(' ')) last.remove_prefix(1);
      while (last.ends_with(' ')) last.remove_suffix(1);
      if (last.empty()) return address;
      address = std::string(last);
    }
  }
  return address;
}

}  // namespace banter::serve
