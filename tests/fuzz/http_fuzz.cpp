#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "serve/net/echo.h"
#include "tests/fuzz/fuzzed_connection.h"

namespace {

using namespace banter::serve;
using banter::tests::expect;

Task<Response> told_back(Request request) {
  co_return text_response(std::to_string(request.body.size()) + request.path + request.parameter);
}

/// Two events and the end.
Task<Response> two_events(Request /*request*/) {
  Response response;
  response.events = [](const std::shared_ptr<EventSink>& sink) {
    sink->send("one\nline");
    sink->send("two");
    sink->end();
  };
  co_return response;
}

/// A route of every kind, and limits that small inputs reach.
banter::tests::FuzzedServer make_server() {
  NetSettings settings;
  settings.max_header_bytes = 512;
  settings.max_fields = 8;
  settings.max_body_bytes = 64;
  auto router = std::make_shared<Router>(*echo_router());
  const auto open = Access::kOpen;
  router->add({.method = "POST", .path = "/body", .access = open, .handler = &told_back});
  router->add({.method = "GET", .path = "/items/{id}", .access = open, .handler = &told_back});
  router->add({.method = "GET", .path = "/events", .access = open, .handler = &two_events});
  router->add({.method = "GET", .path = "/secret", .handler = &told_back});
  return {settings,
          {.router = std::move(router),
           .origin = {.hosts = {"a"}, .origins = {"http://a"}},
           .tokens = nullptr,
           .proxies = {"127.0.0.1"},
           .tls = nullptr}};
}

/// Takes `text` up to and with `end` off the front; there must be such an end.
std::string_view take_until(std::string_view& text, std::string_view end) {
  const auto at = text.find(end);
  expect(at != std::string_view::npos);
  const auto taken = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return taken;
}

std::size_t number(std::string_view digits, int base) {
  std::size_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  expect(read.ec == std::errc() && read.ptr == digits.data() + digits.size());
  return value;
}

void take(std::string_view& text, std::size_t bytes) {
  expect(text.size() >= bytes);
  text.remove_prefix(bytes);
}

/// Reads one answer off the front. False: what follows is no HTTP any more.
bool take_answer(std::string_view& text) {
  auto head = take_until(text, "\r\n\r\n");
  expect(head.starts_with("HTTP/1.1 ") && std::ranges::find(head, '\0') == head.end());
  const auto status = number(head.substr(9, 3), 10);
  expect(status == 100 || status == 101 || (status >= 200 && status < 500) || status == 503);
  if (status == 101) return false;
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  if (const auto at = head.find(kLength); at != std::string_view::npos) {
    const auto digits = head.substr(at + kLength.size());
    // An answer to HEAD has the length of a body and none.
    if (!text.starts_with("HTTP/1.1 ") && !text.empty())
      take(text, number(digits.substr(0, digits.find('\r')), 10));
  } else if (head.find("\r\nTransfer-Encoding: chunked") != std::string_view::npos) {
    for (std::size_t size = 1; size > 0 && !text.empty() && !text.starts_with("HTTP/1.1 ");) {
      size = number(take_until(text, "\r\n"), 16);
      take(text, size);
      expect(take_until(text, "\r\n").empty());
    }
  } else if (head.find("\r\nContent-Type: text/event-stream") != std::string_view::npos) {
    text = {};  // of HTTP/1.0: to the end of the connection
  }
  return true;
}

}  // namespace

/// Whatever comes, each answer is whole, none is 500, and the connection ends when its peer's side
/// has. The first byte says in how large parts the others arrive.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto server = make_server();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto said = server.replies_to(bytes, std::size_t{1} + data[0]);
  for (std::string_view left = said; !left.empty();) {
    if (!take_answer(left)) break;
  }
  return 0;
}
