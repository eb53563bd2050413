#include "serve/net/event_stream.h"

#include <array>
#include <charconv>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>

namespace banter::serve {
namespace {

std::string chunk(const std::string& bytes) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16);
  return std::string(digits.data(), end.ptr) + "\r\n" + bytes + "\r\n";
}

}  // namespace

std::string event_text(std::string_view text) {
  std::string event = "data: ";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\n' || c == '\r') {
      event += "\ndata: ";
    } else {
      event += c;
    }
  }
  return event + "\n\n";
}

EventStream::EventStream(const Strand& strand, std::shared_ptr<Service> service, bool is_chunked)
    : service_(std::move(service)), wake_(strand), is_chunked_(is_chunked) {}

bool EventStream::send(std::string_view text) { return queue(event_text(text), false); }

void EventStream::end() { queue(event_text("[DONE]"), true); }

bool EventStream::queue(std::string text, bool is_last) {
  if (is_last ? is_over_.exchange(true) : is_over_.load()) return false;
  const auto size = text.size();
  if (queued_.fetch_add(size) + size > service_->settings.max_outbox_bytes && !is_last) {
    is_over_ = true;
    net::post(wake_.get_executor(), [self = shared_from_this()] { self->stop(); });
    return false;
  }
  net::dispatch(wake_.get_executor(), [self = shared_from_this(), text = std::move(text), is_last] {
    self->waiting_ += text;
    self->is_ended_ |= is_last;
    self->wake_.cancel();
  });
  return true;
}

void EventStream::stop() {
  is_over_ = true;
  is_stopped_ = true;
  wake_.cancel();
}

Task<bool> EventStream::run(Stream* stream, Deadlines* deadlines) {
  const auto self = shared_from_this();
  while (!is_stopped_) {
    if (waiting_.empty() && !is_ended_) {
      wake_.expires_after(service_->settings.event_ping);
      const auto [woken] = co_await wake_.async_wait(kNoThrow);
      if (!woken) {
        queued_ += 8;
        waiting_ += ": ping\n\n";
      }
      continue;
    }
    const auto bytes = std::exchange(waiting_, {});
    const bool is_last = is_ended_;
    auto written = is_chunked_ ? chunk(bytes) : bytes;
    if (is_last && is_chunked_) written += "0\r\n\r\n";
    deadlines->set(Deadline::kSlowReader, service_->settings.slow_reader);
    const auto [error, count] = co_await net::async_write(*stream, net::buffer(written), kNoThrow);
    deadlines->clear(Deadline::kSlowReader);
    queued_ -= bytes.size();
    if (error) break;
    if (is_last) co_return true;
  }
  is_over_ = true;
  co_return false;
}

}  // namespace banter::serve
