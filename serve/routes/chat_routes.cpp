#include "serve/routes/chat_routes.h"

#include <utility>

#include "serve/routes/chat_handler.h"
#include "serve/routes/parlai_handler.h"

namespace banter::serve {

void add_chat_routes(Router& router, Hub& hub, std::shared_ptr<const Tokens> tokens) {
  const auto caller_of = [](const Request& request) {
    return Caller{.user = request.user, .address = request.address};
  };
  router.add(
      SocketRoute{.path = "/v1/chat",
                  .subprotocol = "chat.v1",
                  .access = Access::kTokenOrHello,
                  .open = [&hub, tokens = std::move(tokens), caller_of](const Request& request) {
                    return make_chat_handler(hub, tokens, caller_of(request));
                  }});
  router.add(SocketRoute{.path = "/websocket",
                         .subprotocol = "",
                         .access = Access::kToken,
                         .open = [&hub, caller_of](const Request& request) {
                           return make_parlai_handler(hub, caller_of(request));
                         }});
}

}  // namespace banter::serve
