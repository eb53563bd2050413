#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "serve/net/admission.h"
#include "serve/net/asio.h"

namespace banter::serve {

/// Looks over what comes in on a stream.
class StreamWatch {
 public:
  virtual ~StreamWatch() = default;
  /// Bytes that were read. Returns how many of them may be handed on; where that is not all, the
  /// rest is dropped and `put_back` has said what the reader gets instead.
  virtual std::size_t check(std::span<const std::byte> bytes) = 0;
  /// The WebSocket library waits for the peer to end the connection.
  virtual void on_teardown() = 0;
};

/// A connected socket with or without TLS, TCP or Unix: one type, so that what stands on it is
/// compiled once. An AsyncStream of Asio; one read and one write at a time, on its strand.
class Stream {
 public:
  using executor_type = Strand;

  Stream(Socket socket, std::unique_ptr<Admission::Ticket> ticket)
      : ticket_(std::move(ticket)), socket_(std::move(socket)) {}

  executor_type get_executor() noexcept { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }

  /// The server's side of a TLS handshake; from here on everything is encrypted.
  Task<IoError> start_tls(std::shared_ptr<net::ssl::context> context);
  /// The client's side; the certificate must be one of `host`.
  Task<IoError> start_tls_to(std::shared_ptr<net::ssl::context> context, std::string host);

  /// Bytes that the next reads give before those of the peer.
  void put_back(std::string bytes) { pending_ = std::move(bytes); }
  /// Null: nobody watches. Must outlive the stream's operations.
  void watch(StreamWatch* watch) { watch_ = watch; }
  [[nodiscard]] StreamWatch* watcher() const { return watch_; }

  /// Ends the sending side, then reads and drops what still comes until the peer ends too: closing
  /// with bytes unread would reset the connection and take our last bytes from the peer.
  Task<IoError> finish();
  void cancel();  ///< ends waiting operations with `operation_aborted`
  void close();   ///< at once, whatever waits; twice is harmless

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return net::async_compose<Token, void(IoError, std::size_t)>(
        ReadOperation<Buffers>{*this, buffers}, token, socket_);
  }

  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return net::async_compose<Token, void(IoError, std::size_t)>(
        WriteOperation<Buffers>{*this, buffers}, token, socket_);
  }

 private:
  template <typename Buffers>
  struct ReadOperation {
    Stream& stream;
    Buffers buffers;
    bool is_started = false;

    template <typename Self>
    void operator()(Self& self, IoError error = {}, std::size_t bytes = 0) {
      if (is_started) {
        if (!error && bytes > 0) bytes = stream.checked(buffers, bytes);
        return self.complete(error, bytes);
      }
      is_started = true;
      if (!stream.pending_.empty()) {
        bytes = stream.take_pending(buffers);
        net::post(stream.get_executor(),
                  [self = std::move(self), bytes]() mutable { self.complete({}, bytes); });
      } else if (stream.tls_) {
        stream.tls_->async_read_some(buffers, std::move(self));
      } else {
        stream.socket_.async_read_some(buffers, std::move(self));
      }
    }
  };

  template <typename Buffers>
  struct WriteOperation {
    Stream& stream;
    Buffers buffers;
    bool is_started = false;

    template <typename Self>
    void operator()(Self& self, IoError error = {}, std::size_t bytes = 0) {
      if (is_started) return self.complete(error, bytes);
      is_started = true;
      if (stream.tls_) {
        stream.tls_->async_write_some(buffers, std::move(self));
      } else {
        stream.socket_.async_write_some(buffers, std::move(self));
      }
    }
  };

  template <typename Buffers>
  std::size_t take_pending(const Buffers& buffers) {
    const auto bytes = net::buffer_copy(buffers, net::buffer(pending_));
    pending_.erase(0, bytes);
    return bytes;
  }

  template <typename Buffers>
  std::size_t checked(const Buffers& buffers, std::size_t bytes) {
    if (watch_ == nullptr) return bytes;
    std::size_t kept = 0;
    auto left = bytes;
    for (auto at = net::buffer_sequence_begin(buffers); at != net::buffer_sequence_end(buffers);
         ++at) {
      const net::mutable_buffer buffer = *at;
      const auto size = std::min(left, buffer.size());
      const auto good = watch_->check({static_cast<const std::byte*>(buffer.data()), size});
      kept += good;
      left -= size;
      if (good < size) break;
    }
    return kept > 0 ? kept : take_pending(buffers);
  }

  std::unique_ptr<Admission::Ticket> ticket_;
  Socket socket_;
  std::shared_ptr<net::ssl::context> tls_context_;
  std::unique_ptr<net::ssl::stream<Socket&>> tls_;
  std::string pending_;
  StreamWatch* watch_ = nullptr;
};

}  // namespace banter::serve
