#pragma once

#include <optional>
#include <string>
#include <vector>

namespace banter::serve {

/// Who the bot is: one of the server's personas by its id, or facts that the client wrote.
struct Persona {
  std::optional<std::string> id{};   ///< of the server's list; absent for facts of the client's own
  std::vector<std::string> facts{};  ///< one sentence each
  bool operator==(const Persona&) const = default;
};

}  // namespace banter::serve
