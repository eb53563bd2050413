#include "serve/net/deadlines.h"

#include <algorithm>
#include <utility>

namespace banter::serve {
namespace {

constexpr auto kNever = Deadlines::Clock::time_point::max();
constexpr std::size_t index(Deadline which) { return static_cast<std::size_t>(which); }

}  // namespace

struct Deadlines::State {
  State(const Strand& strand, std::function<void(Deadline)> call)
      : timer(strand), late(std::move(call)) {
    at.fill(kNever);
  }

  Timer timer;
  std::function<void(Deadline)> late;
  std::array<Clock::time_point, index(Deadline::kCount)> at{};
  Clock::time_point armed = kNever;  ///< when the timer will look again
};

Deadlines::Deadlines(const Strand& strand, std::function<void(Deadline)> late)
    : state_(std::make_shared<State>(strand, std::move(late))) {}

Deadlines::~Deadlines() { stop(); }

void Deadlines::set(Deadline which, std::chrono::milliseconds from_now) {
  state_->at.at(index(which)) = Clock::now() + from_now;
  arm(state_);
}

void Deadlines::clear(Deadline which) { state_->at.at(index(which)) = kNever; }

bool Deadlines::is_set(Deadline which) const { return state_->at.at(index(which)) != kNever; }

void Deadlines::stop() {
  state_->at.fill(kNever);
  state_->late = nullptr;
  state_->timer.cancel();
}

void Deadlines::arm(const std::shared_ptr<State>& state) {
  const auto first = *std::min_element(state->at.begin(), state->at.end());
  if (first >= state->armed) return;
  state->armed = first;
  state->timer.expires_at(first);
  state->timer.async_wait([state](IoError error) {
    if (error == net::error::operation_aborted) return;  // moved forward, or stopped
    state->armed = kNever;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < state->at.size(); ++i) {
      if (state->at.at(i) > now) continue;
      state->at.at(i) = kNever;
      if (state->late) state->late(static_cast<Deadline>(i));
    }
    arm(state);
  });
}

}  // namespace banter::serve
