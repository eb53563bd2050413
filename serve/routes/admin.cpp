#include "serve/routes/admin.h"

#include <utility>

namespace banter::serve {
namespace {

Task<Response> obey(bool has_tokens, std::function<void()> call) {
  if (!has_tokens) throw HttpError(403, "start the server with --tokens to use this");
  call();
  auto response = text_response("begun\n");
  response.status = 202;
  co_return response;
}

}  // namespace

void add_admin_routes(Router& router, bool has_tokens, AdminCalls calls) {
  const auto add = [&](const char* path, std::function<void()> call) {
    router.add(Route{.method = "POST",
                     .path = path,
                     .access = Access::kToken,
                     .handler = [has_tokens, call = std::move(call)](const Request&) {
                       return obey(has_tokens, call);
                     }});
  };
  add("/admin/reload", std::move(calls.reload));
  add("/admin/drain", std::move(calls.drain));
}

}  // namespace banter::serve
