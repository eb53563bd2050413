#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/net/asio.h"
#include "serve/net/http_session.h"
#include "serve/net/service.h"
#include "serve/net/site.h"
#include "serve/net/stream.h"

namespace banter::tests {

inline void expect(bool kept) {
  if (!kept) __builtin_trap();
}

/// A server's side of connections, each over a pair of sockets: everything of it but accepting.
class FuzzedServer {
 public:
  FuzzedServer(serve::NetSettings settings, serve::Site site)
      : service_(std::make_shared<serve::Service>(
            settings,
            [](const serve::LogEntry& entry) { expect(entry.event != "handler_failed"); })),
        site_(std::make_shared<const serve::Site>(std::move(site))) {}

  /// What the server says on a new connection to a peer that sends `bytes`, `part` of them at a
  /// time and `last` behind them on its own, reads everything and then ends its side. Traps when
  /// the server throws, leaves the connection open, or still counts something of it as open.
  std::string replies_to(std::string_view bytes, std::size_t part, std::string_view last = {}) {
    std::array<int, 2> ends{};
    expect(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    is_over_ = false;
    start(ends[0]);
    std::string said;
    const auto send = [&](std::string_view now) {
      const auto sent = ::send(ends[1], now.data(), now.size(), MSG_NOSIGNAL);
      context_.poll();
      read_into(said, ends[1]);
      return sent == std::ssize(now);  // else the server has ended the connection
    };
    bool is_open = true;
    for (; is_open && !bytes.empty(); bytes.remove_prefix(std::min(part, bytes.size())))
      is_open = send(bytes.substr(0, part));
    if (is_open && !last.empty()) send(last);
    ::shutdown(ends[1], SHUT_WR);
    while (!is_over_) {
      expect(context_.run_one_for(std::chrono::seconds(5)) == 1);
      read_into(said, ends[1]);
    }
    context_.poll();
    context_.restart();
    read_into(said, ends[1]);
    ::close(ends[1]);
    expect(service_->live.count() == 0 && service_->counters.outbox_bytes == 0);
    return said;
  }

 private:
  void start(int socket) {
    const serve::Strand strand(context_.get_executor());
    auto stream = std::make_unique<serve::Stream>(
        serve::Socket(strand, serve::net::generic::stream_protocol(AF_UNIX, 0), socket), nullptr);
    serve::net::co_spawn(strand, serve::run_http(service_, site_, std::move(stream), "127.0.0.1"),
                         [this](const std::exception_ptr& error) {
                           expect(!error);
                           is_over_ = true;
                         });
  }

  static void read_into(std::string& said, int socket) {
    std::array<char, 16384> part{};
    for (;;) {
      const auto size = ::recv(socket, part.data(), part.size(), 0);
      if (size <= 0) return;
      said.append(part.data(), static_cast<std::size_t>(size));
    }
  }

  serve::net::io_context context_{1};
  std::shared_ptr<serve::Service> service_;
  std::shared_ptr<const serve::Site> site_;
  bool is_over_ = false;  ///< the present connection
};

}  // namespace banter::tests
