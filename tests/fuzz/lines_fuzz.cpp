#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data/formats/runs/irc.h"
#include "data/formats/runs/subtitle_lines.h"
#include "tests/fuzz/kept_promises.h"

/// Any bytes are runs of lines whose turns keep their promises, or losses that are told: as
/// subtitles and as a log. No bytes are recognised as both.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banter;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!data::recognises_irc(bytes).empty() && !data::recognises_subtitle_lines(bytes).empty())
    __builtin_trap();
  const data::ReadLimits limits{.max_line_bytes = 80, .max_turns = 4};
  tests::read_bytes(&data::read_subtitle_lines, bytes, limits);
  tests::read_bytes(&data::read_irc, bytes, limits);
  return 0;
}
