#include "serve/net/http.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/utf8.h"

namespace banter::serve {
namespace {

struct Status {
  int code;
  std::string_view phrase, error_type;
};

constexpr std::array kStatuses = {
    Status{200, "OK", ""},
    Status{202, "Accepted", ""},
    Status{204, "No Content", ""},
    Status{304, "Not Modified", ""},
    Status{400, "Bad Request", "invalid_request_error"},
    Status{401, "Unauthorized", "authentication_error"},
    Status{403, "Forbidden", "permission_error"},
    Status{404, "Not Found", "not_found_error"},
    Status{405, "Method Not Allowed", "invalid_request_error"},
    Status{408, "Request Timeout", "invalid_request_error"},
    Status{413, "Content Too Large", "invalid_request_error"},
    Status{414, "URI Too Long", "invalid_request_error"},
    Status{415, "Unsupported Media Type", "invalid_request_error"},
    Status{417, "Expectation Failed", "invalid_request_error"},
    Status{422, "Unprocessable Content", "invalid_request_error"},
    Status{426, "Upgrade Required", "invalid_request_error"},
    Status{429, "Too Many Requests", "rate_limit_error"},
    Status{431, "Request Header Fields Too Large", "invalid_request_error"},
    Status{500, "Internal Server Error", "server_error"},
    Status{503, "Service Unavailable", "unavailable_error"},
};

const Status& status_of(int code) {
  static constexpr Status kUnknown{0, "Unknown", "server_error"};
  const auto found = std::ranges::find(kStatuses, code, &Status::code);
  return found == kStatuses.end() ? kUnknown : *found;
}

bool has_name(const Field& field, std::string_view name) {
  return base::equal_but_for_case(field.name, name);
}

}  // namespace

const std::string* Request::field(std::string_view name) const {
  const auto found = std::ranges::find_if(fields, [&](const auto& f) { return has_name(f, name); });
  return found == fields.end() ? nullptr : &found->value;
}

std::size_t Request::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const auto& field) { return has_name(field, name); }));
}

HttpError::HttpError(int status, const std::string& message, std::vector<Field> fields,
                     std::string param, std::string code)
    : Error(message),
      status_(status),
      fields_(std::move(fields)),
      param_(std::move(param)),
      code_(std::move(code)) {}

Response text_response(std::string text, std::string_view type) {
  return {.status = 200,
          .fields = {{"Content-Type", std::string(type)}},
          .body = std::move(text),
          .events = {}};
}

Response json_response(int status, std::string json) {
  return {.status = status,
          .fields = {{"Content-Type", "application/json"}},
          .body = std::move(json),
          .events = {}};
}

std::string error_text(int status, std::string_view message, std::string_view param,
                       std::string_view code) {
  const auto or_null = [](std::string_view text) {
    return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
  };
  const boost::json::value body = {{"error",
                                    {{"message", message},
                                     {"type", status_of(status).error_type},
                                     {"param", or_null(param)},
                                     {"code", or_null(code)}}}};
  return boost::json::serialize(body);
}

Response error_response(int status, std::string_view message, std::string_view param,
                        std::string_view code) {
  return json_response(status, error_text(status, message, param, code));
}

Response response_of(const std::exception_ptr& error) noexcept {
  try {
    try {
      std::rethrow_exception(error);
    } catch (const HttpError& http) {
      auto response = error_response(http.status(), http.what(), http.param(), http.code());
      response.fields.insert(response.fields.end(), http.fields().begin(), http.fields().end());
      return response;
    } catch (...) {
      return error_response(500, "the server failed; the request may be tried again");
    }
  } catch (...) {  // no memory for the sentence
    Response bare;
    bare.status = 500;
    return bare;
  }
}

std::string http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

std::string_view reason_phrase(int status) { return status_of(status).phrase; }

std::string head_of(const Response& response, std::string_view framing) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reason_phrase(response.status);
  head += "\r\nDate: " + http_date(std::time(nullptr)) + "\r\n";
  for (const auto& [name, value] : response.fields) head += name + ": " + value + "\r\n";
  head += framing;
  head += "\r\n";
  return head;
}

}  // namespace banter::serve
