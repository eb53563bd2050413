#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data/formats/runs/opensubtitles.h"
#include "tests/fuzz/kept_promises.h"

/// Any bytes are films whose turns keep their promises, losses that are told, or DamagedInput.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)banter::data::recognises_opensubtitles(bytes);
  banter::tests::read_bytes(&banter::data::read_opensubtitles, bytes,
                            {.max_line_bytes = 300, .max_turns = 4, .max_depth = 8});
  return 0;
}
