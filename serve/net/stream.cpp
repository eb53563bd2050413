#include "serve/net/stream.h"

#include <array>

namespace banter::serve {

Task<IoError> Stream::start_tls(std::shared_ptr<net::ssl::context> context) {
  tls_context_ = std::move(context);
  tls_ = std::make_unique<net::ssl::stream<Socket&>>(socket_, *tls_context_);
  const auto [error] = co_await tls_->async_handshake(net::ssl::stream_base::server, kNoThrow);
  co_return error;
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
