#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "data/batches/position.h"

namespace banter::data {

/// Goes through the batches of an order, epoch after epoch, and to any place of it at once.
///
/// An Order says by `window(epoch, window)` which batches a window has, how many `windows()` an
/// epoch has, and the `name()` of its split: ExampleOrder, PairOrder.
template <typename Order>
class OrderCursor {
 public:
  using Batches = decltype(std::declval<const Order&>().window(0, 0));
  using Batch = typename Batches::value_type;

  explicit OrderCursor(Order order) : order_(std::move(order)) {}

  /// What the batch at the current place is made of; and moves on.
  Batch next() {
    if (!window_) window_ = order_.window(at_.epoch, at_.window);
    auto batch = (*window_)[at_.batch];
    if (++at_.batch == window_->size()) {
      window_.reset();
      at_.batch = 0;
      if (++at_.window == order_.windows()) {
        at_.window = 0;
        ++at_.epoch;
      }
    }
    return batch;
  }

  [[nodiscard]] const Position& position() const { return at_; }

  /// Throws   DataError when there is no such place; then it stays where it was
  void seek(const Position& position) {
    auto wanted = order_.window(position.epoch, position.window);
    if (position.batch >= wanted.size())
      throw base::DataError(
          "split \"" + order_.name() + "\": batch " + std::to_string(position.batch) + " of " +
          std::to_string(wanted.size()) + " in window " + std::to_string(position.window) +
          " does not exist; the run was made with other data or batch options");
    at_ = position;
    window_ = std::move(wanted);
  }

  [[nodiscard]] const Order& order() const { return order_; }

 private:
  Order order_;
  Position at_;
  std::optional<Batches> window_;  ///< the batches of `at_`'s, when made
};

}  // namespace banter::data
