#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ssl/context.hpp>

#include "serve/net/origin.h"
#include "serve/net/router.h"
#include "serve/net/tokens.h"

namespace banter::serve {

/// What one listener answers, and to whom.
struct Site {
  std::shared_ptr<const Router> router;
  OriginRules origin;
  std::shared_ptr<const Tokens> tokens;            ///< null: nobody is asked for one
  std::vector<std::string> proxies;                ///< addresses whose `X-Forwarded-For` counts
  std::shared_ptr<boost::asio::ssl::context> tls;  ///< null: plain
};

/// What stands at a request's path, for whom it may; fills `request.user` and `request.parameter`.
/// Throws   HttpError: 403 host or origin, 404, 405 with `Allow`, 401, 426 or 400 handshake
Router::Match admit(Request& request, const Site& site);

/// The answer to a browser's question beforehand (CORS), for an origin that `admit` takes.
Response preflight_response(const Request& request, const Site& site);
bool is_preflight(const Request& request);

}  // namespace banter::serve
