#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "serve/close_code.h"
#include "serve/log_entry.h"
#include "serve/net/admission.h"
#include "serve/net/settings.h"

namespace banter::serve {

/// An open connection, as the server that stops sees it. Any thread may call.
class Live {
 public:
  virtual ~Live() = default;
  /// The server drains: end what runs; `FrameHandler::on_drain`.
  virtual void drain() = 0;
  /// End now in order: an HTTP connection that waits for a request, a WebSocket with `code`.
  virtual void finish(CloseCode code) = 0;
  /// End at once.
  virtual void cut() = 0;
};

/// All open connections. Any thread.
class LiveConnections {
 public:
  void add(const std::shared_ptr<Live>& connection);
  void remove(const Live* connection);
  [[nodiscard]] std::vector<std::shared_ptr<Live>> all() const;
  [[nodiscard]] std::size_t count() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<const Live*, std::weak_ptr<Live>> connections_;
};

/// What the network side counts. Any thread.
class NetCounters {
 public:
  std::atomic<std::uint64_t> http_opened{0}, sockets_opened{0};
  std::atomic<std::uint64_t> messages_in{0}, messages_out{0};
  std::atomic<std::uint64_t> slow_reader_closes{0};
  std::atomic<std::int64_t> outbox_bytes{0};

  void count_close(CloseCode code);
  /// A connection or a request that was refused: "address", "descriptors", "403", ...
  void count_rejection(std::string_view reason);
  [[nodiscard]] std::map<std::uint16_t, std::uint64_t> closes() const;
  [[nodiscard]] std::map<std::string, std::uint64_t> rejections() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint16_t, std::uint64_t> closes_;
  std::map<std::string, std::uint64_t> rejections_;
};

/// What all connections of a server share; outlives them.
struct Service {
  NetSettings settings;
  Log log;
  NetCounters counters{};
  LiveConnections live{};
  std::atomic<bool> is_draining{false};
};

}  // namespace banter::serve
