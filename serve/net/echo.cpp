#include "serve/net/echo.h"

#include <string>
#include <utility>

namespace banter::serve {
namespace {

constexpr std::size_t kMaxEchoBytes = std::size_t{16} << 20U;

class EchoHandler final : public FrameHandler {
 public:
  void on_open(std::shared_ptr<FrameSink> sink) override { sink_ = std::move(sink); }
  void on_frame(FrameKind kind, std::string_view payload) override {
    sink_->send(std::string(payload), kind);
  }
  void on_closed(CloseCode /*code*/) override { sink_.reset(); }

 private:
  std::shared_ptr<FrameSink> sink_;
};

Task<Response> healthy(Request /*request*/) { co_return text_response("ok\n"); }

}  // namespace

NetSettings echo_settings() {
  NetSettings settings;
  settings.max_message_bytes = kMaxEchoBytes;
  settings.max_outbox_bytes = 2 * kMaxEchoBytes;
  settings.send_buffer_bytes = kMaxEchoBytes;
  settings.max_fragments = 65'536;
  return settings;
}

std::shared_ptr<const Router> echo_router() {
  auto router = std::make_shared<Router>();
  router->add({.path = "/echo",
               .subprotocol = "",
               .access = Access::kOpen,
               .asks_for_hello = false,
               .needs_origin = false,
               .open = [](const Request&) { return std::make_unique<EchoHandler>(); }});
  router->add({.method = "GET", .path = "/healthz", .access = Access::kOpen, .handler = &healthy});
  return router;
}

}  // namespace banter::serve
