#include "serve/client/client_socket.h"

#include <deque>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/errors.h"
#include "base/utf8.h"
#include "serve/net/stream.h"

namespace banter::serve {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

namespace {

constexpr std::size_t kIdleBufferBytes = 4096;  ///< what a connection keeps between messages
constexpr std::size_t kMaxMessageBytes = std::size_t{16} << 20U;

/// A stream whose end is a client's, for Beast to look up.
class ClientStream : public Stream {
 public:
  using Stream::Stream;
};

void beast_close_socket(ClientStream& stream) { stream.close(); }

template <typename HandlerOfBeast>
void async_teardown(beast::role_type /*role*/, ClientStream& stream, HandlerOfBeast&& handler) {
  net::co_spawn(
      stream.get_executor(), stream.finish(),
      [handler = std::forward<HandlerOfBeast>(handler)](
          const std::exception_ptr& /*none*/, IoError /*error*/) mutable { handler(IoError()); });
}

std::string sentence_of(const IoError& error) {
  if (error.category() == net::error::get_ssl_category()) return "TLS: " + error.message();
  return error.message();
}

class BeastSocket final : public ClientSocket {
 public:
  BeastSocket(const Strand& strand, ClientSocketOptions options)
      : options_(std::move(options)),
        stream_(Socket(strand), nullptr),
        socket_(stream_),
        patience_(strand) {}

  Task<std::optional<OpenFailure>> open(std::vector<Endpoint> endpoints) override;
  Task<Received> receive() override;
  void send(std::string text) override;
  void close(std::uint16_t code) override;
  void cut() override { stream_.close(); }

 private:
  Task<OpenFailure> connect(std::vector<Endpoint> endpoints);
  Task<OpenFailure> shake_hands();
  void set_options();
  void start_patience(std::chrono::milliseconds patience);
  void pump();

  [[nodiscard]] std::shared_ptr<BeastSocket> self() {
    return std::static_pointer_cast<BeastSocket>(shared_from_this());
  }

  const ClientSocketOptions options_;
  ClientStream stream_;
  websocket::stream<ClientStream&, /*deflateSupported=*/false> socket_;
  Timer patience_;  ///< with opening, and with a close
  bool is_out_of_patience_ = false;
  beast::flat_buffer buffer_;
  std::deque<std::string> outbox_;  ///< the first is being written
  std::optional<std::uint16_t> close_code_;
  bool is_close_sent_ = false, is_broken_ = false;
};

/// Cuts the connection when what begins now takes too long.
void BeastSocket::start_patience(std::chrono::milliseconds patience) {
  patience_.expires_after(patience);
  patience_.async_wait([self = self()](IoError error) {
    if (error) return;
    self->is_out_of_patience_ = true;
    self->stream_.close();
  });
}

Task<std::optional<OpenFailure>> BeastSocket::open(std::vector<Endpoint> endpoints) {
  const auto keep = self();
  start_patience(options_.handshake_timeout);
  auto failure = co_await connect(std::move(endpoints));
  if (failure.why.empty()) failure = co_await shake_hands();
  patience_.cancel();
  if (is_out_of_patience_) failure = {.why = "no answer in time"};
  if (failure.why.empty()) co_return std::nullopt;
  stream_.close();
  co_return failure;
}

Task<OpenFailure> BeastSocket::connect(std::vector<Endpoint> endpoints) {
  IoError failed = net::error::host_not_found;
  for (const auto& endpoint : endpoints) {
    if (is_out_of_patience_) break;
    stream_.close();
    IoError ignored;
    stream_.socket().open(endpoint.protocol(), ignored);
    if (options_.receive_bytes > 0)
      stream_.socket().set_option(net::socket_base::receive_buffer_size(options_.receive_bytes),
                                  ignored);
    const auto [error] = co_await stream_.socket().async_connect(endpoint, kNoThrow);
    failed = error;
    if (!error) break;
  }
  if (failed) co_return OpenFailure{.why = sentence_of(failed)};
  IoError none;
  stream_.socket().set_option(net::ip::tcp::no_delay(true), none);
  if (!options_.address.is_tls) co_return OpenFailure{};
  const auto error = co_await stream_.start_tls_to(options_.tls, options_.address.host);
  if (!error) co_return OpenFailure{};
  const bool is_refused = error.category() == net::error::get_ssl_category();
  co_return OpenFailure{.why = sentence_of(error), .is_final = is_refused};
}

void BeastSocket::set_options() {
  const bool is_watched = options_.peer_timeout.count() > 0;
  socket_.set_option(websocket::stream_base::timeout{
      websocket::stream_base::none(),
      is_watched ? options_.peer_timeout : websocket::stream_base::none(), is_watched});
  socket_.read_message_max(kMaxMessageBytes);
  socket_.auto_fragment(false);
  socket_.text(true);
  socket_.set_option(websocket::stream_base::decorator(
      [protocol = options_.subprotocol, token = options_.token](websocket::request_type& request) {
        request.set(http::field::user_agent, "banter");
        if (!protocol.empty()) request.set(http::field::sec_websocket_protocol, protocol);
        if (token) request.set(http::field::authorization, "Bearer " + *token);
      }));
}

Task<OpenFailure> BeastSocket::shake_hands() {
  set_options();
  websocket::response_type response;
  const auto host = options_.address.host_field();
  const auto [error] =
      co_await socket_.async_handshake(response, host, options_.address.target, kNoThrow);
  if (error == websocket::error::upgrade_declined) {
    const auto status = static_cast<int>(response.result_int());
    // 429 and what is 500 and more may be another time otherwise.
    co_return OpenFailure{.why = "the server answered " + std::to_string(status) + " " +
                                 base::printable(std::string(response.reason())),
                          .is_final = status < 500 && status != 429,
                          .status = status};
  }
  if (error == http::error::end_of_stream || error == net::error::eof)
    co_return OpenFailure{.why = "the server closed the connection in the handshake"};
  if (error) {  // what is no HTTP will be none the next time
    const auto& of_http = make_error_code(http::error::end_of_stream).category();
    co_return OpenFailure{.why = sentence_of(error), .is_final = error.category() == of_http};
  }
  const auto protocol = response[http::field::sec_websocket_protocol];
  if (!options_.subprotocol.empty() && std::string(protocol) != options_.subprotocol)
    co_return OpenFailure{.why = "the server does not speak " + options_.subprotocol,
                          .is_final = true};
  co_return OpenFailure{};
}

Task<Received> BeastSocket::receive() {
  const auto keep = self();
  const auto [error, bytes] = co_await socket_.async_read(buffer_, kNoThrow);
  if (!error) {
    Received received{
        .text = std::string(static_cast<const char*>(buffer_.data().data()), buffer_.size())};
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > kIdleBufferBytes) buffer_.shrink_to_fit();
    co_return received;
  }
  is_broken_ = true;
  patience_.cancel();
  Received end{.why = is_out_of_patience_ ? "no answer in time" : sentence_of(error)};
  if (error == websocket::error::closed) {
    end.close_code = socket_.reason().code;
    const auto& reason = socket_.reason().reason;
    end.why = base::printable({reason.data(), reason.size()});
  } else if (is_close_sent_ && error == net::error::operation_aborted && !is_out_of_patience_) {
    end.close_code = close_code_.value();  // the answer to our Close frame has come
    end.why.clear();
  }
  stream_.close();
  co_return end;
}

void BeastSocket::send(std::string text) {
  if (close_code_ || is_broken_) return;
  outbox_.push_back(std::move(text));
  if (outbox_.size() == 1) pump();
}

void BeastSocket::close(std::uint16_t code) {
  if (close_code_ || is_broken_) return;
  close_code_ = code;
  start_patience(options_.closing_timeout);
  if (outbox_.empty()) pump();
}

/// Writes what is first in the outbox; behind the last of it, the Close frame.
void BeastSocket::pump() {
  if (!outbox_.empty()) {
    socket_.async_write(net::buffer(outbox_.front()),
                        [self = self()](IoError error, std::size_t /*bytes*/) {
                          if (error) {
                            self->is_broken_ = true;
                            self->outbox_.clear();
                            return;
                          }
                          self->outbox_.pop_front();
                          self->pump();
                        });
  } else if (close_code_ && !is_close_sent_) {
    is_close_sent_ = true;
    socket_.async_close(websocket::close_code(*close_code_), [self = self()](IoError /*error*/) {});
  }
}

}  // namespace

std::shared_ptr<ClientSocket> ClientSocket::make(const Strand& strand,
                                                 ClientSocketOptions options) {
  return std::make_shared<BeastSocket>(strand, std::move(options));
}

std::shared_ptr<net::ssl::context> client_tls_context(const std::string& authorities) {
  auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_client);
  context->set_options(net::ssl::context::default_workarounds | net::ssl::context::no_tlsv1 |
                       net::ssl::context::no_tlsv1_1 | net::ssl::context::no_compression);
  context->set_verify_mode(net::ssl::verify_peer);
  IoError error;
  context->set_default_verify_paths(error);
  if (!authorities.empty()) context->load_verify_file(authorities, error);
  if (error)
    throw base::ConfigError(base::printable(authorities) +
                            ": cannot be used as a list of authorities: " + error.message());
  return context;
}

std::vector<Endpoint> endpoints_of(const ServerAddress& address) {
  net::io_context context;
  net::ip::tcp::resolver resolver(context);
  IoError error;
  const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error || found.empty())
    throw base::FileError("there is no address of " + base::printable(address.host) + ": " +
                          error.message());
  std::vector<Endpoint> endpoints;
  for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
  return endpoints;
}

}  // namespace banter::serve
