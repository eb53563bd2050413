#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "serve/protocol/json_writer.h"

namespace banter::serve {

/// Who the bot is: one of the server's personas by its id, or facts that the client wrote.
struct Persona {
  std::optional<std::string> id{};   ///< of the server's list; absent for facts of the client's own
  std::vector<std::string> facts{};  ///< one sentence each
  bool operator==(const Persona&) const = default;
};

void write_fields(JsonWriter& writer, const Persona& persona);

/// As a frame has it; `name` is the field's, for errors.
/// Throws   RequestError when it is no such object
Persona read_persona(const boost::json::value& value, const std::string& name);

/// As an archive keeps it, and back. Throws   RequestError when the text is no such object
std::string persona_text(const Persona& persona);
Persona read_persona_text(std::string_view text);

}  // namespace banter::serve
