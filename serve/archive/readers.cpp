#include "serve/archive/readers.h"

#include <utility>

namespace banter::serve {

Readers::Lent Readers::lend() {
  int generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
    if (!free_.empty()) {
      auto connection = std::move(free_.back());
      free_.pop_back();
      return {std::move(connection), generation};
    }
  }
  return {backend_.connect_reader(), generation};
}

void Readers::give_back(Lent lent) {
  const std::lock_guard lock(mutex_);
  if (lent.generation == generation_) free_.push_back(std::move(lent.connection));
}

void Readers::forget_all() {
  std::vector<std::unique_ptr<Connection>> old;
  const std::lock_guard lock(mutex_);
  ++generation_;
  old.swap(free_);  // closed when the lock is gone
}

}  // namespace banter::serve
