#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "serve/archive/backend.h"

namespace banter::serve {

/// Connections for reading: one for each thread that reads at the same time, kept for the next.
///
/// Threads  any
class Readers {
 public:
  explicit Readers(Backend& backend) : backend_(backend) {}

  /// `run(Connection&)` on a connection that nobody else uses. Throws   StorageError
  template <typename Run>
  auto with_connection(const Run& run) {
    auto lent = lend();
    auto result = run(*lent.connection);  // one that threw is not kept
    give_back(std::move(lent));
    return result;
  }

  /// From now on only new connections are lent; those in use go when they are given back.
  void forget_all();

 private:
  struct Lent {
    std::unique_ptr<Connection> connection;
    int generation = 0;
  };
  Lent lend();
  void give_back(Lent lent);

  Backend& backend_;
  std::mutex mutex_;
  int generation_ = 0;
  std::vector<std::unique_ptr<Connection>> free_;
};

}  // namespace banter::serve
