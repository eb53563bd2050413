#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/net/asio.h"
#include "serve/net/frames.h"
#include "serve/net/http.h"

namespace banter::serve {

/// Who may use a route of a listener that asks for tokens.
enum class Access {
  kOpen,          ///< anybody
  kToken,         ///< whoever shows a bearer token
  kTokenOrHello,  ///< a WebSocket that may also show its token in its first message
};

/// Answers a request. Throws   HttpError, or anything else for a 500
using Handler = std::function<Task<Response>(Request)>;

struct Route {
  std::string method;  ///< "GET" also answers HEAD
  std::string path;    ///< exact; a last part in braces stands for one part that is not empty
  Access access = Access::kToken;
  Handler handler;
};

/// A path that becomes a WebSocket.
struct SocketRoute {
  std::string path;
  std::string subprotocol;  ///< the one that is spoken; a client may also ask for none
  Access access = Access::kTokenOrHello;
  bool asks_for_hello = true;  ///< `FrameSink::greeted` has to come in time
  bool needs_origin = true;    ///< what `origin.h` says of WebSockets holds
  std::function<std::unique_ptr<FrameHandler>(const Request&)> open;
};

/// The one table of what a listener answers. Filled before it is shared, then only read.
class Router {
 public:
  /// What stands at a path for a method: one of the three, or nothing: 404.
  struct Match {
    const Route* route = nullptr;
    const SocketRoute* socket = nullptr;
    std::string allow;      ///< not empty: the methods that the path has; this is none of them
    std::string parameter;  ///< what stood for `{...}`
  };

  void add(Route route) { routes_.push_back(std::move(route)); }
  void add(SocketRoute route) { sockets_.push_back(std::move(route)); }
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
  std::vector<SocketRoute> sockets_;
};

}  // namespace banter::serve
