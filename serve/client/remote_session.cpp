#include "serve/client/remote_session.h"

#include <chrono>
#include <utility>
#include <variant>

#include "base/signals.h"
#include "base/utf8.h"

namespace banter::serve {
namespace {

constexpr std::chrono::milliseconds kLookForSignals{100};

}  // namespace

RemoteSession::RemoteSession(LinkOptions options, OnNote on_note)
    : on_note_(std::move(on_note)),
      link_(std::make_shared<ChatLink>(net::make_strand(context_), std::move(options),
                                       [this](LinkEvent event) {
                                         const std::lock_guard lock(mutex_);
                                         events_.push_back(std::move(event));
                                         has_event_.notify_one();
                                       })) {
  link_->start();
  thread_ = std::jthread([this] { context_.run(); });
}

RemoteSession::~RemoteSession() { link_->leave(); }  // the thread ends when nothing is left to do

/// Waits for what comes next; says what a person should know of it.
LinkEvent RemoteSession::next() {
  for (;;) {
    base::throw_if_stopped();
    if (end_) throw ServerError(*end_);
    std::unique_lock lock(mutex_);
    if (!has_event_.wait_for(lock, kLookForSignals, [this] { return !events_.empty(); })) continue;
    auto event = std::move(events_.front());
    events_.pop_front();
    lock.unlock();
    note(event);
    return event;
  }
}

void RemoteSession::note(const LinkEvent& event) {
  if (const auto* end = std::get_if<LinkEnd>(&event)) {
    end_ = end->why;
    throw ServerError(*end_);
  }
  if (const auto* lost = std::get_if<LinkLost>(&event)) {
    if (!is_lost_) on_note_(lost->why + "; trying again");
    is_lost_ = true;
    return;
  }
  const auto& frame = std::get<LinkFrame>(event).frame;
  if (std::holds_alternative<Draining>(frame)) on_note_("the server is about to stop");
  if (std::holds_alternative<Ready>(frame) && std::exchange(is_lost_, false))
    on_note_("connected again");
}

Ready RemoteSession::open() {
  for (;;) {
    const auto event = next();
    const auto* frame = std::get_if<LinkFrame>(&event);
    const auto* ready = frame == nullptr ? nullptr : std::get_if<Ready>(&frame->frame);
    if (ready != nullptr) return *ready;
  }
}

ServerFrame RemoteSession::ask(ClientFrame request, const OnFrame& on_frame) {
  link_->ask(std::move(request));
  for (;;) {
    auto event = next();
    auto* link_frame = std::get_if<LinkFrame>(&event);
    if (link_frame == nullptr) continue;
    auto& [frame, is_answer] = *link_frame;
    if (!is_answer) {
      if (on_frame) on_frame(frame);
      continue;
    }
    if (const auto* error = std::get_if<ErrorFrame>(&frame))
      throw base::DataError("the server refuses: " + base::printable(error->message, 1000));
    return std::move(frame);
  }
}

}  // namespace banter::serve
