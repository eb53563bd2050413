#include "serve/net/site.h"

#include "serve/net/request_rules.h"

namespace banter::serve {
namespace {

HttpError unauthorized(const std::string& message) {
  return {401, message, {{"WWW-Authenticate", "Bearer"}}};
}

/// The name of the token that a request shows, or "".
std::string user_of(const Request& request, const Tokens* tokens) {
  const auto* authorization = request.field("Authorization");
  if (tokens == nullptr || authorization == nullptr) return "";
  const auto name = tokens->name_of(Tokens::bearer(*authorization));
  if (!name) throw unauthorized("the bearer token is not known");
  return *name;
}

void check_access(Access access, const Request& request, const Tokens* tokens) {
  if (access == Access::kToken && tokens != nullptr && request.user.empty()) {
    throw unauthorized("a bearer token is needed");
  }
}

}  // namespace

Router::Match admit(Request& request, const Site& site) {
  check_host(request, site.origin);
  request.user = user_of(request, site.tokens.get());
  auto match = site.router->find(request.method, request.path);
  if (match.socket == nullptr || match.socket->needs_origin) {
    check_origin(request, site.origin, match.socket != nullptr);
  }
  if (match.socket != nullptr) {
    check_access(match.socket->access, request, site.tokens.get());
    check_handshake(request, *match.socket);
  } else if (match.route != nullptr) {
    check_access(match.route->access, request, site.tokens.get());
    request.parameter = match.parameter;
  } else if (!match.allow.empty()) {
    throw HttpError(405, "the path does not have this method", {{"Allow", match.allow}});
  } else {
    throw HttpError(404, "there is nothing at this path");
  }
  return match;
}

bool is_preflight(const Request& request) {
  return request.method == "OPTIONS" && request.field("Origin") != nullptr &&
         request.field("Access-Control-Request-Method") != nullptr;
}

Response preflight_response(const Request& request, const Site& site) {
  check_host(request, site.origin);
  check_origin(request, site.origin, false);
  const auto match = site.router->find(request.method, request.path);
  if (match.allow.empty()) throw HttpError(404, "there is nothing at this path");
  Response response;
  response.status = 204;
  response.fields = {{"Access-Control-Allow-Methods", match.allow},
                     {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                     {"Access-Control-Max-Age", "600"}};
  return response;
}

}  // namespace banter::serve
