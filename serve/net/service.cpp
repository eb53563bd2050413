#include "serve/net/service.h"

namespace banter::serve {

void LiveConnections::add(const std::shared_ptr<Live>& connection) {
  const std::lock_guard lock(mutex_);
  connections_.emplace(connection.get(), connection);
}

void LiveConnections::remove(const Live* connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
}

std::vector<std::shared_ptr<Live>> LiveConnections::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Live>> result;
  result.reserve(connections_.size());
  for (const auto& [key, weak] : connections_) {
    if (auto connection = weak.lock()) result.push_back(std::move(connection));
  }
  return result;
}

std::size_t LiveConnections::count() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void NetCounters::count_close(CloseCode code) {
  const std::lock_guard lock(mutex_);
  ++closes_[static_cast<std::uint16_t>(code)];
}

void NetCounters::count_rejection(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  ++rejections_[std::string(reason)];
}

std::map<std::uint16_t, std::uint64_t> NetCounters::closes() const {
  const std::lock_guard lock(mutex_);
  return closes_;
}

std::map<std::string, std::uint64_t> NetCounters::rejections() const {
  const std::lock_guard lock(mutex_);
  return rejections_;
}

}  // namespace banter::serve
