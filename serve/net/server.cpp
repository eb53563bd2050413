#include "serve/net/server.h"

#include <algorithm>
#include <csignal>
#include <exception>
#include <iterator>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>

namespace banter::serve {
namespace {

constexpr std::chrono::milliseconds kLook{20};     ///< between two looks at what is still open
constexpr std::chrono::milliseconds kHurry{2000};  ///< for all closes, after a second signal

}  // namespace

Server::Server(const NetSettings& settings, Log log)
    : service_(std::make_shared<Service>(settings, std::move(log))),
      admission_(std::make_shared<Admission>(settings.max_connections,
                                             settings.max_connections_per_address)),
      context_(static_cast<int>(settings.threads)),
      strand_(net::make_strand(context_)),
      timer_(strand_),
      signals_(strand_, SIGINT, SIGTERM) {
  std::signal(SIGPIPE, SIG_IGN);
  await_signal();
}

Server::~Server() = default;

Listener& Server::listen(const BindAddress& where) {
  listeners_.push_back(make_listener(context_, service_, admission_, where));
  return *listeners_.back();
}

void Server::wait_for(std::function<bool()> is_busy) { is_busy_ = std::move(is_busy); }

void Server::await_signal() {
  signals_.async_wait([this](IoError error, int /*signal*/) {
    if (error) return;  // the server has ended
    on_stop();
    await_signal();
  });
}

void Server::run() {
  net::co_spawn(strand_, drain(), [this](const std::exception_ptr& error) {
    signals_.cancel();
    if (error) std::rethrow_exception(error);
  });
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < service_->settings.threads; ++i) {
    threads.emplace_back([this] { turn(); });
  }
  turn();
}

/// Runs what is to be done until nothing is left; what a handler throws ends that handler alone.
void Server::turn() {
  for (bool is_done = false; !is_done;) {
    try {
      context_.run();
      is_done = true;
    } catch (const std::exception& error) {
      service_->log({LogLevel::kError, "handler_failed", error.what()});
    }
  }
}

void Server::stop() {
  net::post(strand_, [this] { on_stop(); });
}

void Server::on_stop() {
  ++stops_;
  timer_.cancel();
}

/// Waits for a time, or until the next stop.
Task<void> Server::wait(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  co_await timer_.async_wait(kNoThrow);
}

Task<void> Server::drain() {
  using Clock = std::chrono::steady_clock;
  while (stops_ == 0) co_await wait(std::chrono::hours(24));
  service_->is_draining = true;
  if (begin_drain_) begin_drain_();
  for (const auto& listener : listeners_) listener->stop();
  for (const auto& connection : service_->live.all()) connection->drain();

  const auto& settings = service_->settings;
  const auto deadline = Clock::now() + settings.drain;
  while (is_busy_ && is_busy_() && stops_ < 2 && Clock::now() < deadline) co_await wait(kLook);

  auto open = service_->live.all();
  const auto pause = settings.drain_spread / std::max<std::int64_t>(1, std::ssize(open));
  for (auto& connection : open) {
    connection->finish(CloseCode::kGoingAway);
    connection.reset();
    if (stops_ < 2 && pause.count() > 0) co_await wait(pause);
  }
  const auto begin = Clock::now();
  const auto left = [&] {
    return stops_ < 2 ? settings.closing : std::min(settings.closing, kHurry);
  };
  while (service_->live.count() > 0 && stops_ < 3 && Clock::now() < begin + left()) {
    for (const auto& late : service_->live.all()) late->finish(CloseCode::kGoingAway);
    co_await wait(kLook);
  }
  for (const auto& connection : service_->live.all()) connection->cut();
}

}  // namespace banter::serve
