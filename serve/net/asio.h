#pragma once

#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

/// The names by which the server knows Asio. One strand a connection is the executor of everything
/// that belongs to it, as a concrete type: that of `any_io_executor` costs an allocation a post.
namespace banter::serve {

namespace net = boost::asio;
using IoError = boost::system::error_code;
using Strand = net::strand<net::io_context::executor_type>;

template <typename Result>
using Task = net::awaitable<Result, Strand>;

/// A socket of either family: TCP or Unix.
using Socket = net::basic_stream_socket<net::generic::stream_protocol, Strand>;
using Timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, Strand>;

/// `const auto [error, bytes] = co_await stream.async_read_some(buffer, kNoThrow);`
inline constexpr auto kNoThrow = net::as_tuple(net::use_awaitable_t<Strand>{});

}  // namespace banter::serve
