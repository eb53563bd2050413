#include "serve/net/stream.h"

#include <array>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

namespace banter::serve {

Task<IoError> Stream::start_tls(std::shared_ptr<net::ssl::context> context) {
  tls_context_ = std::move(context);
  tls_ = std::make_unique<net::ssl::stream<Socket&>>(socket_, *tls_context_);
  const auto [error] = co_await tls_->async_handshake(net::ssl::stream_base::server, kNoThrow);
  co_return error;
}

Task<IoError> Stream::start_tls_to(std::shared_ptr<net::ssl::context> context, std::string host) {
  tls_context_ = std::move(context);
  tls_ = std::make_unique<net::ssl::stream<Socket&>>(socket_, *tls_context_);
  IoError error;
  net::ip::make_address(host, error);
  const bool is_name = error.failed();  // an address is no name that a server could look up
  if (is_name) SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
  tls_->set_verify_callback(net::ssl::host_name_verification(host), error);
  const auto [refused] = co_await tls_->async_handshake(net::ssl::stream_base::client, kNoThrow);
  co_return refused;
}

Task<IoError> Stream::finish() {
  IoError error;
  if (tls_) {
    const auto [refused] = co_await tls_->async_shutdown(kNoThrow);
    error = refused;
  } else {
    socket_.shutdown(net::socket_base::shutdown_send, error);
    std::array<std::byte, 2048> dropped{};
    while (!error) {
      const auto [ended, bytes] = co_await socket_.async_read_some(net::buffer(dropped), kNoThrow);
      error = ended;
    }
  }
  close();
  co_return error == net::error::eof ? IoError() : error;
}

void Stream::cancel() {
  IoError ignored;
  socket_.cancel(ignored);
}

void Stream::close() {
  IoError ignored;
  socket_.close(ignored);
}

}  // namespace banter::serve
