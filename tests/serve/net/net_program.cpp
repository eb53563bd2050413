// A server of the network side alone, with a route for each thing that it can do, for
// net_test.py. `net_program [NAME=VALUE]...`: a name is one of kNetSettings (milliseconds or a
// count), or tokens, certificate, key, unix. Prints the port, then a line whenever a handler sees
// an end.
#include <charconv>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

#include "base/errors.h"
#include "serve/net/echo.h"
#include "serve/net/server.h"
#include "serve/net/tls.h"

namespace banter::serve {
namespace {

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::cout << line << std::endl;
}

/// Answers `hello`; every other word of it is a command.
class ChatHandler final : public FrameHandler {
 public:
  explicit ChatHandler(std::string user) : user_(std::move(user)) {}

  void on_open(std::shared_ptr<FrameSink> sink) override { sink_ = std::move(sink); }

  void on_frame(FrameKind kind, std::string_view payload) override {
    if (kind == FrameKind::kBinary) return sink_->close(CloseCode::kUnsupported, "text only");
    if (payload == "hello") {
      sink_->greeted();
      sink_->send("welcome " + user_);
    } else if (payload == "throw") {
      throw base::DataError("a handler's own mistake");
    } else if (payload == "close") {
      sink_->send("last");
      sink_->close(CloseCode::kTakenOver, "elsewhere");
      sink_->send("never");
    } else if (payload == "mark") {
      say("mark");
    } else if (payload.starts_with("flood ")) {
      flood(payload.substr(6));
    } else {
      sink_->send(std::string(payload));
    }
  }

  void on_closed(CloseCode code) override {
    say("closed " + std::to_string(static_cast<int>(code)) + (sink_->send("x") ? " open" : ""));
  }

  void on_drain() override { sink_->send("draining"); }

 private:
  /// "COUNT SIZE": so many messages of so many bytes.
  void flood(std::string_view order) {
    int count = 0;
    std::size_t size = 0;
    const auto* const end = order.data() + order.size();
    const auto rest = std::from_chars(order.data(), end, count);
    std::from_chars(rest.ptr + 1, end, size);
    for (int i = 0; i < count; ++i) {
      if (!sink_->send(std::string(size, 'f'))) return;
    }
  }

  std::string user_;
  std::shared_ptr<FrameSink> sink_;
};

Task<Response> body_size(Request request) {
  co_return text_response(std::to_string(request.body.size()) + " " + request.query + " " +
                          request.address + " " + request.user);
}

Task<Response> parameter(Request request) { co_return text_response(request.parameter); }

Task<Response> failing(Request /*request*/) { throw base::DataError("nobody should read this"); }

Task<Response> busy(Request /*request*/) {
  throw HttpError(429, "too much to do", {{"Retry-After", "2"}});
}

/// Waits until its client has gone.
Task<Response> stuck(Request request) {
  const auto executor = co_await net::this_coro::executor;
  Timer timer(executor, Timer::time_point::max());
  const std::stop_callback on_gone(request.gone, [&timer] { timer.cancel(); });
  if (!request.gone.stop_requested()) co_await timer.async_wait(kNoThrow);
  say("gone " + request.path);
  co_return text_response("");
}

/// Three events, one of two lines, and the end.
Task<Response> events(Request /*request*/) {
  Response response;
  response.events = [](const std::shared_ptr<EventSink>& sink) {
    sink->send("one");
    sink->send("two\nlines");
    sink->send("three");
    sink->end();
  };
  co_return response;
}

/// One event; then nothing until the client has gone.
Task<Response> endless(Request request) {
  struct Tell {
    void operator()() const { say("gone /endless"); }
  };
  Response response;
  auto on_gone = std::make_shared<std::stop_callback<Tell>>(request.gone, Tell{});
  response.events = [on_gone = std::move(on_gone)](const std::shared_ptr<EventSink>& sink) {
    sink->send("one");
  };
  co_return response;
}

Task<Response> slow_readers(std::shared_ptr<Service> service) {
  co_return text_response(std::to_string(service->counters.slow_reader_closes));
}

std::shared_ptr<const Router> test_router(const std::shared_ptr<Service>& service) {
  auto router = std::make_shared<Router>(*echo_router());
  router->add(
      {.path = "/chat",
       .subprotocol = "chat.v1",
       .access = Access::kTokenOrHello,
       .asks_for_hello = true,
       .needs_origin = true,
       .open = [](const Request& request) { return std::make_unique<ChatHandler>(request.user); }});
  const auto open = Access::kOpen;
  router->add({.method = "POST", .path = "/body", .access = open, .handler = &body_size});
  router->add({.method = "GET", .path = "/body", .access = open, .handler = &body_size});
  router->add({.method = "GET", .path = "/items/{id}", .access = open, .handler = &parameter});
  router->add({.method = "GET", .path = "/fail", .access = open, .handler = &failing});
  router->add({.method = "GET", .path = "/busy", .access = open, .handler = &busy});
  router->add({.method = "GET", .path = "/stuck", .access = open, .handler = &stuck});
  router->add({.method = "GET", .path = "/events", .access = open, .handler = &events});
  router->add({.method = "GET", .path = "/endless", .access = open, .handler = &endless});
  router->add(
      {.method = "GET", .path = "/slow", .access = open, .handler = [service](const Request&) {
         return slow_readers(service);
       }});
  router->add({.method = "GET", .path = "/secret", .handler = &body_size});
  return router;
}

/// Gives a setting its value; false when it has no such name.
bool set(NetSettings& settings, std::string_view name, const std::string& value) {
  for (const auto& row : kNetSettings) {
    if (row.name != name) continue;
    if (const auto* count = std::get_if<std::size_t NetSettings::*>(&row.field)) {
      settings.** count = std::stoul(value);
    } else {
      settings.*std::get<milliseconds NetSettings::*>(row.field) = milliseconds(std::stol(value));
    }
    return true;
  }
  return false;
}

int run(int argc, char** argv) {
  NetSettings settings;
  std::map<std::string, std::string> others;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    const auto name = argument.substr(0, equals);
    const auto value = argument.substr(equals + 1);
    if (!set(settings, name, value)) others[name] = value;
  }
  Server server(settings, [](const LogEntry& entry) { say("log " + std::string(entry.event)); });
  const BindAddress where{.unix_path = others["unix"]};
  auto& listener = server.listen(where);
  auto site = std::make_shared<Site>();
  site->router = test_router(server.service());
  const bool is_tls = others.contains("certificate");
  if (is_tls) site->tls = tls_context(others["certificate"], others["key"]);
  site->origin = own_rules(where.address, listener.port(), is_tls, {"chat.example.org"});
  site->origin.origins.emplace_back("https://good.example.com");
  site->origin.checks_host = where.unix_path.empty();
  if (others.contains("proxy")) site->proxies = {others["proxy"]};
  if (others.contains("tokens")) {
    site->tokens = std::make_shared<Tokens>(others["tokens"]);
    site->origin.takes_missing_origin = false;
  }
  listener.start(std::move(site));
  say(std::to_string(listener.port()));
  server.run();
  for (const auto& [code, count] : server.service()->counters.closes()) {
    say("count " + std::to_string(code) + " " + std::to_string(count));
  }
  say("end");
  return 0;
}

}  // namespace
}  // namespace banter::serve

int main(int argc, char** argv) {
  try {
    return banter::serve::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
