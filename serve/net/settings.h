#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <variant>

namespace banter::serve {

using std::chrono::milliseconds;

/// Every bound of the server's network side. `kNetSettings` has a row for each field: the options
/// of `banter serve` and the table in README.md are made of it, or held to it.
struct NetSettings {
  std::size_t threads = 2;
  std::size_t backlog = 4096;
  std::size_t max_connections = 20'000;
  std::size_t max_connections_per_address = 256;

  std::size_t max_header_bytes = 8192;
  std::size_t max_fields = 64;
  std::size_t max_body_bytes = 262'144;
  milliseconds header_timeout{10'000};
  milliseconds body_timeout{30'000};
  milliseconds event_ping{15'000};

  std::size_t max_message_bytes = 65'536;
  std::size_t max_fragments = 1024;
  std::size_t max_control_frames = 100;
  milliseconds control_window{10'000};
  std::size_t max_outbox_bytes = 262'144;
  std::size_t send_buffer_bytes = 65'536;
  milliseconds hello_timeout{5'000};
  milliseconds message_timeout{30'000};
  milliseconds peer_timeout{60'000};
  milliseconds session_idle{1'800'000};

  milliseconds slow_reader{10'000};
  milliseconds closing{10'000};
  milliseconds drain{30'000};
  milliseconds drain_spread{2'000};
};

/// One field: its option's name without dashes, where it is, what it means.
struct NetSetting {
  std::string_view name;
  std::variant<std::size_t NetSettings::*, milliseconds NetSettings::*> field;
  std::string_view meaning;
};

inline constexpr std::array kNetSettings = {
    NetSetting{"net-threads", &NetSettings::threads, "threads of the network side"},
    NetSetting{"backlog", &NetSettings::backlog, "connections that wait to be accepted"},
    NetSetting{"max-connections", &NetSettings::max_connections, "open connections in all"},
    NetSetting{"max-connections-per-address", &NetSettings::max_connections_per_address,
               "open connections of one address (not of a listed proxy)"},
    NetSetting{"max-header-bytes", &NetSettings::max_header_bytes,
               "of a request's line and fields; also of its trailers"},
    NetSetting{"max-fields", &NetSettings::max_fields, "fields of a request"},
    NetSetting{"max-body-bytes", &NetSettings::max_body_bytes, "of a request's body"},
    NetSetting{"header-timeout", &NetSettings::header_timeout,
               "from accept, or the last answer, to a whole header; also a TLS handshake"},
    NetSetting{"body-timeout", &NetSettings::body_timeout, "from the header to the whole body"},
    NetSetting{"event-ping", &NetSettings::event_ping,
               "between two comments on a silent stream of events"},
    NetSetting{"max-message-bytes", &NetSettings::max_message_bytes, "of one WebSocket message"},
    NetSetting{"max-fragments", &NetSettings::max_fragments, "frames of one message"},
    NetSetting{"max-control-frames", &NetSettings::max_control_frames,
               "pings and pongs of a peer within control-window"},
    NetSetting{"control-window", &NetSettings::control_window, "what max-control-frames counts in"},
    NetSetting{"max-outbox-bytes", &NetSettings::max_outbox_bytes,
               "that wait for one peer to read them"},
    NetSetting{"send-buffer-bytes", &NetSettings::send_buffer_bytes,
               "that the kernel holds for one WebSocket's peer, which it doubles: the outbox "
               "begins to fill behind them"},
    NetSetting{"hello-timeout", &NetSettings::hello_timeout,
               "from the upgrade to the peer's greeting, where one is asked for"},
    NetSetting{"message-timeout", &NetSettings::message_timeout,
               "from a message's first byte to its last"},
    NetSetting{"peer-timeout", &NetSettings::peer_timeout,
               "without a byte of a peer; half of it brings a ping"},
    NetSetting{"session-idle", &NetSettings::session_idle, "without a message in either direction"},
    NetSetting{"slow-reader", &NetSettings::slow_reader, "until a peer has taken one message"},
    NetSetting{"closing", &NetSettings::closing, "from our Close frame or last byte to the end"},
    NetSetting{"drain", &NetSettings::drain, "that what runs has to end when the server stops"},
    NetSetting{"drain-spread", &NetSettings::drain_spread,
               "over which a draining server's closes are spread"},
};

}  // namespace banter::serve
