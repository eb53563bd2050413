#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "serve/net/admission.h"
#include "serve/net/asio.h"
#include "serve/net/service.h"
#include "serve/net/site.h"

namespace banter::serve {

/// Where a listener binds: an address and a port, or the path of a Unix socket.
struct BindAddress {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6, no name
  std::uint16_t port = 0;             ///< 0: a free one
  std::filesystem::path unix_path{};  ///< not empty: a Unix socket instead, for its owner only
};

/// Accepts connections at one address and serves a site on them. It never dies of a full
/// descriptor table: it answers 503 on a descriptor kept for that, and waits.
class Listener {
 public:
  virtual ~Listener() = default;
  /// The bound port; 0 for a Unix socket.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// From here on connections are accepted. Once; `site` says what they get.
  virtual void start(std::shared_ptr<const Site> site) = 0;
  /// Accepts no more; a Unix socket's path is removed. Any thread.
  virtual void stop() = 0;
};

/// Binds and listens.
/// Throws   UsageError when the address is none; Error when it cannot be bound: why
std::shared_ptr<Listener> make_listener(net::io_context& context, std::shared_ptr<Service> service,
                                        std::shared_ptr<Admission> admission,
                                        const BindAddress& where);

}  // namespace banter::serve
