#include "data/formats/lost_record.h"

#include "data/formats/formats.h"

namespace banter::data {

std::string checked_name(std::string_view text, std::string_view what) {
  if (text.find('\0') != std::string_view::npos)
    throw LostRecord{"a text holds NUL", std::string(what)};
  return std::string(text);
}

std::string checked_speaker(std::string_view name) {
  return name.empty() ? "?" : checked_name(name, "speaker");
}

Turn checked_turn(std::string_view speaker, std::string_view text, std::string_view time,
                  std::size_t number) {
  if (const auto fault = text_fault(text); !fault.empty())
    throw LostRecord{fault, "turn " + std::to_string(number)};
  return {checked_speaker(speaker), std::string(text), checked_name(time, "time")};
}

}  // namespace banter::data
