#include "serve/net/listener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <type_traits>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "serve/net/http.h"
#include "serve/net/http_session.h"

namespace banter::serve {
namespace {

constexpr std::chrono::milliseconds kBackOff{150};  ///< until accept is tried again
constexpr int kRefusedAtOnce = 64;                  ///< connections that get a 503 before that

bool is_exhausted(IoError error) {
  const int code = error.value();
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

std::string refusal(int status, std::string_view message) {
  const auto response = error_response(status, message);
  return head_of(response, "Retry-After: 1\r\nConnection: close\r\nContent-Length: " +
                               std::to_string(response.body.size()) + "\r\n") +
         response.body;
}

/// Says no on a socket that never blocks and is closed next. What the client sent is read first:
/// bytes left unread would reset the connection before the answer arrives.
void refuse(int socket, const std::string& answer) {
  std::array<char, 4096> dropped{};
  while (::recv(socket, dropped.data(), dropped.size(), MSG_DONTWAIT) > 0) {
  }
  (void)::send(socket, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(socket, SHUT_WR);
}

/// A descriptor kept so that a full table can still say so.
class ReservedDescriptor {
 public:
  ReservedDescriptor() { take(); }
  ReservedDescriptor(const ReservedDescriptor&) = delete;
  ReservedDescriptor& operator=(const ReservedDescriptor&) = delete;
  ~ReservedDescriptor() { give(); }
  void take() { descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
  void give() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_ = -1;
};

std::string address_of(const net::ip::tcp::endpoint& peer) { return peer.address().to_string(); }
std::string address_of(const net::local::stream_protocol::endpoint& /*peer*/) { return ""; }

template <typename Protocol>
class ListenerOf final : public Listener,
                         public std::enable_shared_from_this<ListenerOf<Protocol>> {
 public:
  using Acceptor = net::basic_socket_acceptor<Protocol, Strand>;
  using Endpoint = typename Protocol::endpoint;

  ListenerOf(net::io_context& context, std::shared_ptr<Service> service,
             std::shared_ptr<Admission> admission)
      : context_(context),
        service_(std::move(service)),
        admission_(std::move(admission)),
        acceptor_(net::make_strand(context)),
        timer_(acceptor_.get_executor()) {}

  ~ListenerOf() override { remove_path(); }

  /// Throws   boost::system::system_error
  void bind(const Endpoint& endpoint) {
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(net::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(static_cast<int>(service_->settings.backlog));
    acceptor_.non_blocking(true);
  }

  void owns_path(std::filesystem::path path) { path_ = std::move(path); }

  [[nodiscard]] std::uint16_t port() const override {
    if constexpr (std::is_same_v<Protocol, net::ip::tcp>) {
      return acceptor_.local_endpoint().port();
    } else {
      return 0;
    }
  }

  void start(std::shared_ptr<const Site> site) override {
    site_ = std::move(site);
    net::co_spawn(acceptor_.get_executor(), accept_all(this->shared_from_this()),
                  [self = this->shared_from_this()](const std::exception_ptr& error) {
                    if (error) self->service_->log({LogLevel::kError, "listener_failed"});
                  });
  }

  void stop() override {
    net::post(acceptor_.get_executor(), [self = this->shared_from_this()] {
      IoError ignored;
      self->acceptor_.close(ignored);
      self->timer_.cancel();
      self->remove_path();
    });
  }

 private:
  void remove_path() {
    if (!path_.empty()) ::unlink(std::exchange(path_, {}).c_str());
  }

  static Task<void> accept_all(std::shared_ptr<ListenerOf> self) {
    bool is_warned = false;
    while (self->acceptor_.is_open()) {
      Endpoint peer;
      auto [error, socket] =
          co_await self->acceptor_.async_accept(net::make_strand(self->context_), peer, kNoThrow);
      if (!error) {
        is_warned = false;
        self->serve(std::move(socket), address_of(peer));
      } else if (error != net::error::connection_aborted && self->acceptor_.is_open()) {
        if (!std::exchange(is_warned, true))
          self->service_->log({LogLevel::kWarning, "accept_failed", error.message()});
        if (is_exhausted(error)) self->refuse_waiting();
        self->timer_.expires_after(kBackOff);
        co_await self->timer_.async_wait(kNoThrow);
      }
    }
  }

  template <typename Accepted>
  void serve(Accepted accepted, std::string address) {
    const bool is_proxy =
        std::ranges::find(site_->proxies, address) != site_->proxies.end() || address.empty();
    auto answer = admission_->enter(address, !is_proxy);
    if (answer.refusal != Admission::Refusal::kNone) {
      const bool is_full = answer.refusal == Admission::Refusal::kTooMany;
      service_->counters.count_rejection(is_full ? "connections" : "address");
      static const auto kFull = refusal(503, "the server has too many connections");
      static const auto kOften = refusal(429, "too many connections from this address");
      return refuse(accepted.native_handle(), is_full ? kFull : kOften);
    }
    auto stream = std::make_unique<Stream>(Socket(std::move(accepted)), std::move(answer.ticket));
    const auto strand = stream->get_executor();
    net::co_spawn(strand, run_http(service_, site_, std::move(stream), std::move(address)),
                  [service = service_](const std::exception_ptr& error) {
                    if (error) service->log({LogLevel::kError, "connection_failed"});
                  });
  }

  /// Gives up the kept descriptor, answers what waits on it, takes it back.
  void refuse_waiting() {
    static const auto kAnswer = refusal(503, "the server has no descriptors left");
    for (int count = 0; count < kRefusedAtOnce; ++count) {
      reserved_.give();
      const int socket =
          ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        refuse(socket, kAnswer);
        ::close(socket);
        service_->counters.count_rejection("descriptors");
      }
      reserved_.take();
      if (socket < 0) return;
    }
  }

  net::io_context& context_;
  std::shared_ptr<Service> service_;
  std::shared_ptr<Admission> admission_;
  Acceptor acceptor_;
  Timer timer_;
  std::shared_ptr<const Site> site_;
  std::filesystem::path path_;
  ReservedDescriptor reserved_;
};

std::shared_ptr<Listener> listen_tcp(net::io_context& context, std::shared_ptr<Service> service,
                                     std::shared_ptr<Admission> admission,
                                     const BindAddress& where) {
  IoError error;
  const auto address = net::ip::make_address(where.address, error);
  if (error) throw base::UsageError("--bind " + where.address + " is no IPv4 or IPv6 address");
  auto listener =
      std::make_shared<ListenerOf<net::ip::tcp>>(context, std::move(service), std::move(admission));
  listener->bind({address, where.port});
  return listener;
}

std::shared_ptr<Listener> listen_unix(net::io_context& context, std::shared_ptr<Service> service,
                                      std::shared_ptr<Admission> admission,
                                      const BindAddress& where) {
  struct stat status {};
  if (::lstat(where.unix_path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    ::unlink(where.unix_path.c_str());  // a server that was killed left it
  }
  auto listener = std::make_shared<ListenerOf<net::local::stream_protocol>>(
      context, std::move(service), std::move(admission));
  const auto mask = ::umask(0177);  // nobody else may connect, not even for a moment
  try {
    listener->bind(net::local::stream_protocol::endpoint(where.unix_path.string()));
  } catch (...) {
    ::umask(mask);
    throw;
  }
  ::umask(mask);
  listener->owns_path(where.unix_path);
  return listener;
}

}  // namespace

std::shared_ptr<Listener> make_listener(net::io_context& context, std::shared_ptr<Service> service,
                                        std::shared_ptr<Admission> admission,
                                        const BindAddress& where) {
  const auto listen = where.unix_path.empty() ? &listen_tcp : &listen_unix;
  try {
    return listen(context, std::move(service), std::move(admission), where);
  } catch (const boost::system::system_error& error) {
    const auto name = where.unix_path.empty()
                          ? where.address + " port " + std::to_string(where.port)
                          : where.unix_path.string();
    throw base::Error("cannot listen on " + name + ": " + error.code().message());
  }
}

}  // namespace banter::serve
