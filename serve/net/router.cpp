#include "serve/net/router.h"

#include <optional>

namespace banter::serve {
namespace {

/// What stands for the braces of `pattern` in `path` ("" without braces), or nothing.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const auto brace = pattern.find('{');
  if (brace == std::string_view::npos) {
    if (pattern != path) return std::nullopt;
    return "";
  }
  if (!path.starts_with(pattern.substr(0, brace))) return std::nullopt;
  const auto rest = path.substr(brace);
  if (rest.empty() || rest.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(rest);
}

void allow(std::string& list, std::string_view method) {
  if (!list.empty()) list += ", ";
  list += method;
}

}  // namespace

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match found;
  const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
  for (const auto& route : routes_) {
    const auto parameter = match(route.path, path);
    if (!parameter) continue;
    if (route.method == wanted) {
      found.route = &route;
      found.parameter = *parameter;
      return found;
    }
    allow(found.allow, route.method == "GET" ? "GET, HEAD" : std::string_view(route.method));
  }
  for (const auto& socket : sockets_) {
    if (socket.path != path) continue;
    if (method == "GET") {
      found.socket = &socket;
      return found;
    }
    allow(found.allow, "GET");
  }
  return found;
}

}  // namespace banter::serve
