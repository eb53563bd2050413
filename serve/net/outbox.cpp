#include "serve/net/outbox.h"

#include <utility>

namespace banter::serve {

bool Outbox::add(OutgoingFrame frame) {
  if (bytes_ > 0 && bytes_ + frame.payload.size() > max_bytes_) return false;
  bytes_ += frame.payload.size();
  waiting_.push_back(std::move(frame));
  return true;
}

const OutgoingFrame* Outbox::next() {
  if (in_flight_ || waiting_.empty()) return nullptr;
  in_flight_ = std::move(waiting_.front());
  waiting_.pop_front();
  return &*in_flight_;
}

void Outbox::sent() {
  bytes_ -= in_flight_.value().payload.size();
  in_flight_.reset();
}

void Outbox::drop_waiting() {
  bytes_ = in_flight_ ? in_flight_->payload.size() : 0;
  waiting_.clear();
}

}  // namespace banter::serve
