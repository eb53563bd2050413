#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/basic_signal_set.hpp>

#include "serve/net/listener.h"
#include "serve/net/service.h"
#include "serve/net/site.h"

namespace banter::serve {

/// The network side: listeners, the threads that serve them, and an orderly end.
///
///     Server server(settings, log);
///     auto& listener = server.listen({.port = 8080});
///     server.start(listener, site);
///     server.run();            // until `stop`, or SIGINT or SIGTERM
///
/// Threads  `listen`, `start` and `run` from one thread; `stop` from any
class Server {
 public:
  /// From here on SIGINT and SIGTERM ask `run` to end; SIGPIPE is ignored.
  Server(const NetSettings& settings, Log log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds. Throws   UsageError, Error: why it cannot
  Listener& listen(const BindAddress& where);

  /// Serves until it is stopped: then accepts no more, tells what is open
  /// (`FrameHandler::on_drain`) and waits for it as long as `NetSettings::drain` says, closes with
  /// 1001 spread over `drain_spread`, ends the rest, and returns. A second signal or `stop` cuts
  /// the waiting for what runs short and leaves two seconds for the closes, a third one none.
  void run();
  /// As a signal does.
  void stop();

  /// Called when the server begins to stop, before connections are told; from `run`'s threads.
  void at_drain(std::function<void()> begin) { begin_drain_ = std::move(begin); }
  /// Whether something still runs that the drain should wait for; asked from `run`'s threads. None:
  /// nothing does.
  void wait_for(std::function<bool()> is_busy);

  [[nodiscard]] const std::shared_ptr<Service>& service() const { return service_; }
  [[nodiscard]] net::io_context& context() { return context_; }

 private:
  void await_signal();
  void turn();
  Task<void> drain();
  Task<void> wait(std::chrono::milliseconds time);
  void on_stop();

  std::shared_ptr<Service> service_;
  std::shared_ptr<Admission> admission_;
  net::io_context context_;
  Strand strand_;
  Timer timer_;
  net::basic_signal_set<Strand> signals_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::function<void()> begin_drain_;
  std::function<bool()> is_busy_;
  int stops_ = 0;
};

}  // namespace banter::serve
