#include "serve/net/connection.h"

#include <atomic>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/utf8.h"
#include "serve/net/deadlines.h"
#include "serve/net/frame_meter.h"
#include "serve/net/outbox.h"

namespace banter::serve {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

// How Beast ends our stream: it looks these up by its argument.

void beast_close_socket(Stream& stream) { stream.close(); }

template <typename HandlerOfBeast>
void async_teardown(beast::role_type /*role*/, Stream& stream, HandlerOfBeast&& handler) {
  if (auto* watch = stream.watcher()) watch->on_teardown();
  // However the peer's end came, or our patience with it: what Beast has to tell comes first.
  net::co_spawn(
      stream.get_executor(), stream.finish(),
      [handler = std::forward<HandlerOfBeast>(handler)](
          const std::exception_ptr& /*none*/, IoError /*error*/) mutable { handler(IoError()); });
}

namespace {

constexpr std::size_t kIdleBufferBytes = 4096;  ///< what a connection keeps between messages

/// The handshake as Beast wants it: the fields that it looks at.
http::request<http::empty_body> handshake_of(const Request& request) {
  http::request<http::empty_body> handshake(http::verb::get, request.target, 11);
  for (const auto* name :
       {"Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
    if (const auto* value = request.field(name)) handshake.insert(name, *value);
  }
  return handshake;
}

/// A masked Close frame as a peer would send it. Beast answers it with the same code and ends the
/// connection in order, whatever it was doing: so a broken limit is put to it.
std::string close_frame_of_peer(CloseCode code) {
  const auto value = static_cast<std::uint16_t>(code);
  return {'\x88', '\x82', 0, 0, 0, 0, static_cast<char>(value >> 8U), static_cast<char>(value)};
}

class Connection final : public FrameSink,
                         public StreamWatch,
                         public Live,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Service> service, std::unique_ptr<Stream> stream)
      : service_(std::move(service)),
        settings_(service_->settings),
        stream_(std::move(stream)),
        socket_(*stream_),
        strand_(stream_->get_executor()),
        meter_({settings_.max_fragments, settings_.max_control_frames, settings_.control_window}),
        outbox_(settings_.max_outbox_bytes) {}

  Task<void> run(Request request, const SocketRoute* route, std::string rest);

  bool send(std::string payload, FrameKind kind) override;
  [[nodiscard]] bool is_behind() const override { return posted_bytes_ > 0 || is_writing_; }
  void close(CloseCode code, std::string reason) override;
  void greeted() override;

  void drain() override;
  void finish(CloseCode code) override;
  void cut() override;

  std::size_t check(std::span<const std::byte> bytes) override;
  void on_teardown() override;

 private:
  /// A message to send, or the end.
  struct Order {
    std::string payload;  ///< or the reason of the end
    FrameKind kind = FrameKind::kText;
    std::size_t size = 0;
    bool fits = true;  ///< into the outbox
    std::optional<CloseCode> close{};
  };

  void order(Order order);
  void obey();
  void take(Order order);
  Task<bool> accept(const Request* request, const SocketRoute* route);
  Task<IoError> read_frames();
  void open(const Request& request, const SocketRoute& route);
  void on_late(Deadline which);
  void on_sent(IoError error);
  void start_close(CloseCode code, std::string_view reason);
  void abandon();
  void pump();
  void count_outbox();
  void end(IoError error);
  template <typename Call>
  void guarded(const Call& call);

  std::shared_ptr<Service> service_;
  const NetSettings& settings_;
  std::unique_ptr<Stream> stream_;
  websocket::stream<Stream&, false> socket_;
  Strand strand_;
  FrameMeter meter_;
  Outbox outbox_;
  beast::flat_buffer buffer_;
  std::unique_ptr<Deadlines> deadlines_;
  std::unique_ptr<FrameHandler> handler_;

  std::atomic<bool> is_open_{false};
  std::mutex orders_mutex_;
  std::deque<Order> orders_;                  ///< of any thread, until the strand comes to them
  std::atomic<std::size_t> posted_bytes_{0};  ///< of `send`, not in the outbox yet
  std::atomic<bool> is_writing_{false};       ///< something is in the outbox
  std::int64_t counted_bytes_ = 0;            ///< of the outbox, in the server's counter
  std::optional<CloseCode> closed_by_us_;
  websocket::close_reason close_reason_;
  net::cancellation_signal read_ends_, close_ends_;
  bool is_close_sent_ = false;
  std::uint64_t timed_message_ = 0;  ///< the meter's count of the message that has a deadline
};

/// Calls into the handler; what it throws is our fault and ends the connection.
template <typename Call>
void Connection::guarded(const Call& call) {
  try {
    call();
  } catch (const std::exception& error) {
    service_->log({LogLevel::kError, "handler_failed", error.what()});
    outbox_.drop_waiting();
    start_close(CloseCode::kInternal, "the server failed");
  }
}

Task<void> Connection::run(Request request, const SocketRoute* route, std::string rest) {
  const auto self = shared_from_this();
  deadlines_ = std::make_unique<Deadlines>(strand_, [this](Deadline which) { on_late(which); });
  stream_->watch(this);
  if (!rest.empty()) {
    const auto good = check(std::as_bytes(std::span(rest)));
    rest.resize(good);
    if (meter_.is_broken()) rest += close_frame_of_peer(CloseCode::kPolicy);
    stream_->put_back(std::move(rest));
  }
  if (co_await accept(&request, route)) {
    service_->live.add(self);
    open(request, *route);
    end(co_await read_frames());
    service_->live.remove(this);
  }
  deadlines_->stop();
  stream_->close();
  stream_->watch(nullptr);
}

Task<bool> Connection::accept(const Request* request, const SocketRoute* route) {
  IoError ignored;
  auto& socket = stream_->socket();
  socket.set_option(net::ip::tcp::no_delay(true), ignored);  // none on a Unix socket
  // The kernel's own bound is megabytes, which a peer that does not read could make it hold.
  socket.set_option(
      net::socket_base::send_buffer_size(static_cast<int>(settings_.send_buffer_bytes)), ignored);
  socket_.set_option(websocket::stream_base::timeout{
      settings_.header_timeout, settings_.peer_timeout, /*keep_alive_pings=*/true});
  socket_.read_message_max(settings_.max_message_bytes);
  socket_.auto_fragment(false);
  const auto* protocols = request->field("Sec-WebSocket-Protocol");
  if (protocols != nullptr && !route->subprotocol.empty()) {
    socket_.set_option(websocket::stream_base::decorator(
        [name = route->subprotocol](websocket::response_type& response) {
          response.set(http::field::sec_websocket_protocol, name);
        }));
  }
  const auto handshake = handshake_of(*request);
  const auto [error] = co_await socket_.async_accept(handshake, kNoThrow);
  co_return !error;
}

void Connection::open(const Request& request, const SocketRoute& route) {
  ++service_->counters.sockets_opened;
  is_open_ = true;
  deadlines_->set(Deadline::kIdle, settings_.session_idle);
  if (route.asks_for_hello) deadlines_->set(Deadline::kHello, settings_.hello_timeout);
  guarded([&] {
    handler_ = route.open(request);
    handler_->on_open(shared_from_this());
  });
}

Task<IoError> Connection::read_frames() {
  for (;;) {
    const auto [error, bytes] = co_await socket_.async_read(
        buffer_, net::bind_cancellation_slot(read_ends_.slot(), kNoThrow));
    if (error) co_return error;
    if (is_open_ && handler_) {
      ++service_->counters.messages_in;
      deadlines_->set(Deadline::kIdle, settings_.session_idle);
      const auto kind = socket_.got_text() ? FrameKind::kText : FrameKind::kBinary;
      const std::string_view payload(static_cast<const char*>(buffer_.data().data()),
                                     buffer_.size());
      // Beast does not look for a character cut at the end where the last frame is empty.
      if (kind == FrameKind::kText && base::first_bad_utf8(payload)) {
        start_close(CloseCode::kBadUtf8, "text that is not UTF-8");
      } else {
        guarded([&] { handler_->on_frame(kind, payload); });
      }
    }
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > kIdleBufferBytes) buffer_.shrink_to_fit();
  }
}

std::size_t Connection::check(std::span<const std::byte> bytes) {
  const auto good = meter_.take(bytes, FrameMeter::Clock::now());
  if (good < bytes.size()) stream_->put_back(close_frame_of_peer(CloseCode::kPolicy));
  if (!meter_.is_inside()) {
    deadlines_->clear(Deadline::kMessage);
  } else if (!deadlines_->is_set(Deadline::kMessage) || timed_message_ != meter_.begun()) {
    deadlines_->set(Deadline::kMessage, settings_.message_timeout);
    timed_message_ = meter_.begun();
  }
  return good;
}

void Connection::on_teardown() { deadlines_->set(Deadline::kClosing, settings_.closing); }

void Connection::on_late(Deadline which) {
  switch (which) {
    case Deadline::kHello:
      return start_close(CloseCode::kNoHello, "no hello in time");
    case Deadline::kMessage:
      outbox_.drop_waiting();
      return start_close(CloseCode::kPolicy, "the message took too long");
    case Deadline::kIdle:
      return start_close(CloseCode::kExpired, "idle for too long");
    case Deadline::kSlowReader:
      ++service_->counters.slow_reader_closes;
      outbox_.drop_waiting();
      return start_close(CloseCode::kTryLater, "the reader is too slow");
    default:
      return abandon();
  }
}

bool Connection::send(std::string payload, FrameKind kind) {
  if (!is_open_) return false;
  const auto size = payload.size();
  const auto before = posted_bytes_.fetch_add(size);
  const bool fits = before == 0 || before + size <= settings_.max_outbox_bytes;
  if (!fits) payload = {};
  order({.payload = std::move(payload), .kind = kind, .size = size, .fits = fits});
  return fits && is_open_;
}

void Connection::close(CloseCode code, std::string reason) {
  order({.payload = std::move(reason), .close = code});
}

/// Done at once where this is the strand, and in the order of the calls whatever their threads are:
/// who comes second finds what the first one left.
void Connection::order(Order order) {
  {
    const std::lock_guard lock(orders_mutex_);
    orders_.push_back(std::move(order));
  }
  net::dispatch(strand_, [self = shared_from_this()] { self->obey(); });
}

void Connection::obey() {
  for (;;) {
    std::unique_lock lock(orders_mutex_);
    if (orders_.empty()) return;
    auto next = std::move(orders_.front());
    orders_.pop_front();
    lock.unlock();
    if (next.close) {
      start_close(*next.close, next.payload);
    } else {
      take(std::move(next));
    }
  }
}

void Connection::take(Order order) {
  posted_bytes_ -= order.size;
  if (!is_open_ || !handler_) return;
  if (order.fits && outbox_.add({std::move(order.payload), order.kind})) return pump();
  ++service_->counters.slow_reader_closes;
  outbox_.drop_waiting();
  start_close(CloseCode::kTryLater, "the reader is too slow");
}

void Connection::greeted() {
  net::dispatch(strand_, [self = shared_from_this()] {
    if (self->is_open_) self->deadlines_->clear(Deadline::kHello);
  });
}

void Connection::drain() {
  net::dispatch(strand_, [self = shared_from_this()] {
    if (!self->is_open_ || !self->handler_) return;
    self->guarded([&] { self->handler_->on_drain(); });
  });
}

/// Behind what `drain` made the handler say.
void Connection::finish(CloseCode code) {
  net::dispatch(strand_, [self = shared_from_this(), code] { self->start_close(code, {}); });
}

void Connection::cut() {
  net::dispatch(strand_, [self = shared_from_this()] { self->abandon(); });
}

void Connection::start_close(CloseCode code, std::string_view reason) {
  if (!is_open_.exchange(false)) return;
  closed_by_us_ = code;
  close_reason_.code = static_cast<std::uint16_t>(code);
  close_reason_.reason = beast::string_view(reason.data(), reason.size());
  deadlines_->clear(Deadline::kHello);
  deadlines_->clear(Deadline::kMessage);
  deadlines_->clear(Deadline::kIdle);
  deadlines_->set(Deadline::kClosing, settings_.closing);
  pump();
}

/// Ends at once. A closed socket is not enough: where a peer breaks a rule while our Close is on
/// its way, Beast's read waits for its close and that for the read, and nobody for the socket.
void Connection::abandon() {
  stream_->close();
  close_ends_.emit(net::cancellation_type::terminal);
  read_ends_.emit(net::cancellation_type::terminal);
}

/// Starts the next write, if none is in flight: what waits, then the Close frame.
void Connection::pump() {
  is_writing_ = !outbox_.is_empty();
  count_outbox();
  if (outbox_.in_flight() || is_close_sent_) return;
  if (const auto* frame = outbox_.next()) {
    deadlines_->set(Deadline::kSlowReader, settings_.slow_reader);
    socket_.text(frame->kind == FrameKind::kText);
    socket_.async_write(net::buffer(frame->payload),
                        [self = shared_from_this()](IoError error, std::size_t /*bytes*/) {
                          self->on_sent(error);
                        });
  } else if (closed_by_us_) {
    is_close_sent_ = true;
    socket_.async_close(close_reason_,
                        net::bind_cancellation_slot(
                            close_ends_.slot(), [self = shared_from_this()](IoError /*error*/) {}));
  }
}

void Connection::count_outbox() {
  const auto bytes = static_cast<std::int64_t>(outbox_.bytes());
  service_->counters.outbox_bytes += bytes - std::exchange(counted_bytes_, bytes);
}

void Connection::on_sent(IoError error) {
  outbox_.sent();
  deadlines_->clear(Deadline::kSlowReader);
  if (error) return;  // the read ends too, and with it the connection
  ++service_->counters.messages_out;
  deadlines_->set(Deadline::kIdle, settings_.session_idle);
  pump();
}

void Connection::end(IoError error) {
  is_open_ = false;
  auto code = CloseCode::kAbnormal;
  if (closed_by_us_) {
    code = *closed_by_us_;
  } else if (meter_.is_broken()) {
    code = CloseCode::kPolicy;
  } else if (error == websocket::error::closed) {
    const auto given = socket_.reason().code;
    code = given == websocket::close_code::none ? CloseCode::kNormal : CloseCode{given};
  } else if (error == websocket::error::message_too_big) {
    code = CloseCode::kTooBig;
  } else if (error == websocket::error::bad_frame_payload) {
    code = CloseCode::kBadUtf8;
  } else if (error == websocket::condition::protocol_violation) {
    code = CloseCode::kProtocol;
  }
  service_->counters.count_close(code);
  service_->counters.outbox_bytes -= std::exchange(counted_bytes_, 0);
  if (!handler_) return;
  try {
    handler_->on_closed(code);
  } catch (const std::exception& failure) {
    service_->log({LogLevel::kError, "handler_failed", failure.what()});
  }
  handler_.reset();  // it may hold this connection as its sink
}

}  // namespace

Task<void> run_websocket(std::shared_ptr<Service> service, std::unique_ptr<Stream> stream,
                         Request request, const SocketRoute* route, std::string rest) {
  const auto connection = std::make_shared<Connection>(std::move(service), std::move(stream));
  co_await connection->run(std::move(request), route, std::move(rest));
}

}  // namespace banter::serve
