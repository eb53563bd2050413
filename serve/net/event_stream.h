#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "serve/net/deadlines.h"
#include "serve/net/http.h"
#include "serve/net/service.h"
#include "serve/net/stream.h"

namespace banter::serve {

/// `data: ` before each line of a text, and the blank line that ends an event.
std::string event_text(std::string_view text);

/// Writes the events of one answer. What comes while a write is in flight leaves in the next one.
class EventStream final : public EventSink, public std::enable_shared_from_this<EventStream> {
 public:
  /// `is_chunked`: each write is a chunk of HTTP/1.1; else the connection's end ends the stream.
  EventStream(const Strand& strand, std::shared_ptr<Service> service, bool is_chunked);

  bool send(std::string_view text) override;
  void end() override;

  /// Writes until `end`, an error, or the client has gone (`stop`). On the strand.
  /// The stream and the deadlines must outlive it; true when all was written.
  Task<bool> run(Stream* stream, Deadlines* deadlines);
  void stop();

 private:
  bool queue(std::string text, bool is_last);

  std::shared_ptr<Service> service_;
  Timer wake_;
  bool is_chunked_;
  std::atomic<std::size_t> queued_{0};  ///< bytes that are not written yet
  std::atomic<bool> is_over_{false};    ///< nothing more is taken
  std::string waiting_;
  bool is_ended_ = false, is_stopped_ = false;
};

}  // namespace banter::serve
