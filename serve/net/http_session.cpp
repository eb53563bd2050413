#include "serve/net/http_session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <stop_token>
#include <utility>

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "serve/net/connection.h"
#include "serve/net/deadlines.h"
#include "serve/net/event_stream.h"
#include "serve/net/request_rules.h"

namespace banter::serve {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

Request request_of(const Parser& parser) {
  const auto& message = parser.get();
  Request request;
  request.method = message.method_string();
  request.target = message.target();
  const auto question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  request.version = message.version();
  for (const auto& field : message) {
    request.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return request;
}

/// What a client is told whose bytes are no request; nothing where it has gone.
std::optional<HttpError> refusal_of(IoError error, bool is_late, const Parser& parser) {
  if (is_late) return HttpError(408, "the request took too long");
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    if (parser.get().target().empty()) return HttpError(414, "the target is too long");
    return HttpError(431, "the request's fields are too long");
  }
  if (error == http::error::body_limit) return HttpError(413, "the request's body is too long");
  if (error.category() == http::make_error_code(http::error::bad_method).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return HttpError(400, "this is not HTTP/1.1");
  }
  return std::nullopt;
}

bool wants_more(const Request& request) {
  const auto* connection = request.field("Connection");
  return request.version >= 11 && (connection == nullptr || !has_word(*connection, "close"));
}

class HttpSession final : public Live, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<Service> service, std::shared_ptr<const Site> site,
              std::unique_ptr<Stream> stream, std::string peer)
      : service_(std::move(service)),
        site_(std::move(site)),
        stream_(std::move(stream)),
        strand_(stream_->get_executor()),
        peer_(std::move(peer)),
        buffer_(service_->settings.max_header_bytes),
        watch_ended_(strand_, Timer::time_point::max()) {}

  /// What became of a connection that is to be a WebSocket.
  struct Upgrade {
    Request request;
    const SocketRoute* route = nullptr;
    std::unique_ptr<Stream> stream;
    std::string rest;  ///< bytes behind the handshake
  };

  /// Serves requests until the connection ends, or nothing but the upgrade is left to do.
  Task<std::optional<Upgrade>> run();

  void drain() override {}
  void finish(CloseCode /*code*/) override;
  void cut() override;

 private:
  void on_late(Deadline which);
  Task<bool> start();
  Task<bool> serve_one();
  Task<bool> read_header(Parser* parser);
  Task<bool> read_body(Parser* parser, Request* request);
  Task<Response> answer(const Route* route, Request request);
  Task<bool> write(Response response, Request request, bool keep_alive);
  Task<bool> write_events(Response response, Request request, bool keep_alive);
  Task<bool> write_bytes(std::string head, std::string body);
  Task<void> refuse(HttpError error);
  void watch();
  Task<void> stop_watching();

  std::shared_ptr<Service> service_;
  std::shared_ptr<const Site> site_;
  std::unique_ptr<Stream> stream_;
  Strand strand_;
  std::string peer_;
  boost::beast::flat_buffer buffer_;
  std::unique_ptr<Deadlines> deadlines_;
  std::optional<Upgrade> upgrade_;
  bool is_late_ = false;       ///< a deadline has ended the present read
  bool is_idle_ = false;       ///< nothing of the next request has been asked for in vain yet
  bool is_finishing_ = false;  ///< the present answer is the last

  Timer watch_ended_;
  std::stop_source gone_;
  bool is_watching_ = false, ends_watch_ = false;
};

void HttpSession::on_late(Deadline which) {
  if (which == Deadline::kClosing || which == Deadline::kSlowReader) return stream_->close();
  is_late_ = true;
  stream_->cancel();
}

void HttpSession::finish(CloseCode /*code*/) {
  net::post(strand_, [self = shared_from_this()] {
    self->is_finishing_ = true;
    if (self->is_idle_ && self->stream_) self->stream_->cancel();
  });
}

void HttpSession::cut() {
  net::post(strand_, [self = shared_from_this()] {
    self->gone_.request_stop();
    if (self->stream_) self->stream_->close();
  });
}

Task<std::optional<HttpSession::Upgrade>> HttpSession::run() {
  const auto self = shared_from_this();
  deadlines_ = std::make_unique<Deadlines>(strand_, [this](Deadline which) { on_late(which); });
  ++service_->counters.http_opened;
  service_->live.add(self);
  if (co_await start()) {
    while (co_await serve_one()) {
    }
    if (!upgrade_) {
      deadlines_->set(Deadline::kClosing, service_->settings.closing);
      co_await stream_->finish();
    }
  }
  deadlines_->stop();
  service_->live.remove(this);
  if (upgrade_) {
    upgrade_->rest.assign(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    upgrade_->stream = std::move(stream_);
  } else {
    stream_->close();
  }
  co_return std::move(upgrade_);
}

/// The TLS handshake, where there is one.
Task<bool> HttpSession::start() {
  if (!site_->tls) co_return true;
  deadlines_->set(Deadline::kHeader, service_->settings.header_timeout);
  const auto error = co_await stream_->start_tls(site_->tls);
  deadlines_->clear(Deadline::kHeader);
  co_return !error;
}

/// One request and its answer; false when it was the last on this connection.
Task<bool> HttpSession::serve_one() {
  Parser parser;
  if (!co_await read_header(&parser)) co_return false;
  auto request = request_of(parser);
  bool keep_alive = wants_more(request) && !is_finishing_;
  Response response;
  const Route* route = nullptr;
  bool is_read = false;
  try {
    check_request(request, service_->settings.max_fields);
    request.address = client_address(request, peer_, site_->proxies);
    if (is_preflight(request)) {
      response = preflight_response(request, *site_);
    } else {
      const auto match = admit(request, *site_);
      if (match.socket != nullptr) {
        upgrade_ = Upgrade{std::move(request), match.socket, nullptr, {}};
        co_return false;
      }
      route = match.route;
    }
  } catch (...) {
    response = response_of(std::current_exception());
    if (response.status == 400 || response.status == 426) keep_alive = false;
  }
  if (parser.is_done() || route != nullptr) {
    if (!co_await read_body(&parser, &request)) co_return false;
    is_read = true;
  }
  if (route != nullptr) response = co_await answer(route, request);
  co_return co_await write(std::move(response), std::move(request),
                           keep_alive && is_read && !is_finishing_);
}

Task<bool> HttpSession::read_header(Parser* parser) {
  const auto& settings = service_->settings;
  parser->header_limit(static_cast<std::uint32_t>(settings.max_header_bytes));
  parser->body_limit(settings.max_body_bytes);
  deadlines_->set(Deadline::kHeader, settings.header_timeout);
  is_idle_ = true;
  const auto [error, bytes] =
      co_await http::async_read_header(*stream_, buffer_, *parser, kNoThrow);
  is_idle_ = false;
  deadlines_->clear(Deadline::kHeader);
  if (!error) co_return true;
  const bool has_begun = parser->got_some() || buffer_.size() > 0;
  const auto refusal = refusal_of(error, is_late_ && has_begun, *parser);
  if (refusal) co_await refuse(*refusal);
  co_return false;
}

Task<bool> HttpSession::read_body(Parser* parser, Request* request) {
  if (!parser->is_done()) {
    if (request->field("Expect") != nullptr &&
        !co_await write_bytes("HTTP/1.1 100 Continue\r\n\r\n", "")) {
      co_return false;
    }
    deadlines_->set(Deadline::kBody, service_->settings.body_timeout);
    const auto [error, bytes] = co_await http::async_read(*stream_, buffer_, *parser, kNoThrow);
    deadlines_->clear(Deadline::kBody);
    if (error) {
      const auto refusal = refusal_of(error, is_late_, *parser);
      if (refusal) co_await refuse(*refusal);
      co_return false;
    }
  }
  request->body = std::move(parser->get().body());
  co_return true;
}

Task<Response> HttpSession::answer(const Route* route, Request request) {
  gone_ = {};
  request.gone = gone_.get_token();
  watch();
  try {
    auto handling = route->handler(std::move(request));
    co_return co_await std::move(handling);
  } catch (...) {
    co_return response_of(std::current_exception());
  }
}

Task<bool> HttpSession::write(Response response, Request request, bool keep_alive) {
  if (response.status >= 400) {
    service_->counters.count_rejection(std::to_string(response.status));
  }
  if (const auto* origin = request.field("Origin");
      origin != nullptr &&
      std::ranges::find(site_->origin.origins, *origin) != site_->origin.origins.end()) {
    response.fields.push_back({"Access-Control-Allow-Origin", *origin});
    response.fields.push_back({"Vary", "Origin"});
  }
  if (response.events) {
    const bool is_whole =
        co_await write_events(std::move(response), std::move(request), keep_alive);
    co_await stop_watching();
    co_return is_whole&& keep_alive;
  }
  co_await stop_watching();
  if (gone_.stop_requested()) co_return false;
  std::string framing;
  if (response.status != 204 && response.status != 304) {
    framing = "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  }
  if (!keep_alive) framing += "Connection: close\r\n";
  auto head = head_of(response, framing);
  if (request.method == "HEAD") response.body.clear();
  co_return co_await write_bytes(std::move(head), std::move(response.body)) && keep_alive;
}

Task<bool> HttpSession::write_events(Response response, Request request, bool keep_alive) {
  const bool is_chunked = request.version >= 11;
  response.fields.push_back({"Content-Type", "text/event-stream; charset=utf-8"});
  response.fields.push_back({"Cache-Control", "no-store"});
  response.fields.push_back({"X-Accel-Buffering", "no"});
  std::string framing = is_chunked ? "Transfer-Encoding: chunked\r\n" : "";
  if (!keep_alive) framing += "Connection: close\r\n";
  if (!co_await write_bytes(head_of(response, framing), "")) {
    gone_.request_stop();
    co_return false;
  }
  const auto stream = std::make_shared<EventStream>(strand_, service_, is_chunked);
  const std::stop_callback on_gone(gone_.get_token(), [stream] { stream->stop(); });
  try {
    response.events(stream);
  } catch (...) {
    stream->send(response_of(std::current_exception()).body);
    stream->end();
  }
  const bool is_whole = co_await stream->run(stream_.get(), deadlines_.get());
  if (!is_whole) gone_.request_stop();
  co_return is_whole;
}

/// Writes an answer, or its beginning; false when the client did not take it.
Task<bool> HttpSession::write_bytes(std::string head, std::string body) {
  const std::array<net::const_buffer, 2> parts = {net::buffer(head), net::buffer(body)};
  deadlines_->set(Deadline::kSlowReader, service_->settings.slow_reader);
  const auto [error, bytes] = co_await net::async_write(*stream_, parts, kNoThrow);
  deadlines_->clear(Deadline::kSlowReader);
  co_return !error;
}

/// Answers bytes that are no request; the connection ends behind it.
Task<void> HttpSession::refuse(HttpError error) {
  const auto response = error_response(error.status(), error.what());
  service_->counters.count_rejection(std::to_string(error.status()));
  const auto framing =
      "Content-Length: " + std::to_string(response.body.size()) + "\r\nConnection: close\r\n";
  co_await write_bytes(head_of(response, framing), response.body);
}

/// Keeps one read pending while a handler works: only so does its client's end arrive. What comes
/// is the next request, kept as far as the buffer goes.
void HttpSession::watch() {
  const auto room = buffer_.max_size() - buffer_.size();
  if (room == 0) return;
  is_watching_ = true;
  stream_->async_read_some(buffer_.prepare(std::min<std::size_t>(room, 1024)),
                           [self = shared_from_this()](IoError error, std::size_t bytes) {
                             self->is_watching_ = false;
                             self->buffer_.commit(bytes);
                             if (!error && !self->ends_watch_) return self->watch();
                             if (error && !self->ends_watch_) self->gone_.request_stop();
                             self->watch_ended_.cancel();
                           });
}

Task<void> HttpSession::stop_watching() {
  ends_watch_ = true;
  if (is_watching_) stream_->cancel();
  while (is_watching_) co_await watch_ended_.async_wait(kNoThrow);
  ends_watch_ = false;
}

}  // namespace

Task<void> run_http(std::shared_ptr<Service> service, std::shared_ptr<const Site> site,
                    std::unique_ptr<Stream> stream, std::string peer) {
  auto session = std::make_shared<HttpSession>(service, site, std::move(stream), std::move(peer));
  auto upgrade = co_await session->run();
  session.reset();  // its buffers would otherwise live as long as the WebSocket
  if (!upgrade) co_return;
  auto socket =
      run_websocket(std::move(service), std::move(upgrade->stream), std::move(upgrade->request),
                    upgrade->route, std::move(upgrade->rest));
  upgrade.reset();
  co_await std::move(socket);
}

}  // namespace banter::serve
