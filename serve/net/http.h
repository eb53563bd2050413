#pragma once

#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"

/// HTTP as plain values: what a handler is given and what it answers.
namespace banter::serve {

struct Field {
  std::string name, value;
};

struct Request {
  std::string method, target;
  std::string path, query;  ///< of the target, as they came: nothing is decoded
  unsigned version = 11;    ///< 10 or 11
  std::vector<Field> fields;
  std::string body;
  std::string parameter;  ///< what stands for `{...}` in the route's path
  std::string address;    ///< of the client, behind listed proxies the one they name; "" on Unix
  std::string user;       ///< the name of the bearer token, "" without one
  std::stop_token gone;   ///< stops when the client has gone: nobody will read the answer

  /// The first field of that name, whatever its case; null without one.
  [[nodiscard]] const std::string* field(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
};

/// Where the events of a stream go. Any thread may call; the stream keeps itself alive.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// `data: TEXT` and a blank line; each line of the text gets its `data:`. False when the client
  /// has gone, the stream has ended, or more waits than the outbox holds, which ends it.
  virtual bool send(std::string_view text) = 0;
  /// `data: [DONE]`, the end. Twice is harmless.
  virtual void end() = 0;
};

struct Response {
  int status = 200;
  std::vector<Field> fields;
  std::string body;
  /// Set: the answer is a stream of server-sent events instead of `body`. Called once, on the
  /// connection's strand, when the headers are on their way; `Request::gone` tells of its end.
  std::function<void(std::shared_ptr<EventSink>)> events;
};

/// An answer other than 2xx, as an exception.
class HttpError : public base::Error {
 public:
  /// `message` is fixed text for the client, never an echo of what it sent; `param`: the field of
  /// its request that is to blame, `code`: a word for its program, "" without one.
  HttpError(int status, const std::string& message, std::vector<Field> fields = {},
            std::string param = {}, std::string code = {});
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  [[nodiscard]] const std::string& param() const { return param_; }
  [[nodiscard]] const std::string& code() const { return code_; }

 private:
  int status_;
  std::vector<Field> fields_;
  std::string param_, code_;
};

Response text_response(std::string text, std::string_view type = "text/plain; charset=utf-8");
Response json_response(int status, std::string json);
/// `{"error": {"message", "type", "param", "code"}}`, the type that belongs to `status`; null in
/// place of "".
Response error_response(int status, std::string_view message, std::string_view param = {},
                        std::string_view code = {});
/// The body of such a response.
std::string error_text(int status, std::string_view message, std::string_view param = {},
                       std::string_view code = {});
/// What a client is told of an exception: `HttpError` as it is, any other as 500 without details.
Response response_of(const std::exception_ptr& error) noexcept;

/// A time as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT". In the C locale.
std::string http_date(std::time_t time);

/// The standard phrase, "Unknown" for a status that the server never sends.
std::string_view reason_phrase(int status);

/// Status line, date and fields of an answer, with the blank line behind them.
/// `framing`: the fields that say how long the body is and what becomes of the connection.
std::string head_of(const Response& response, std::string_view framing);

}  // namespace banter::serve
