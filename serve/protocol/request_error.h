#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "serve/protocol/codes.h"

namespace banter::serve {

/// What a client sent cannot be taken. `what()` is made of fixed texts, names of fields and limits
/// alone: nothing of the input is in it, so that it can be sent, logged and shown.
class RequestError : public base::Error {
 public:
  RequestError(ErrorCode why, const std::string& message, std::string where = {})
      : base::Error(message), code(why), field(std::move(where)) {}

  ErrorCode code;
  std::string field;  ///< the path of the wrong one, such as "decode.top_p"; "" for the whole frame
  std::string id;     ///< the frame's own, for the answer; "" where it has none that is sound
};

/// Throws   RequestError kBadRequest "<name> must be <rule>", with the name as its field
[[noreturn]] inline void refuse_field(const std::string& name, std::string_view rule) {
  throw RequestError(ErrorCode::kBadRequest, name + " must be " + std::string(rule), name);
}

}  // namespace banter::serve
