#include <cstddef>
#include <cstdint>

#include "data/formats/turns/convai2.h"
#include "tests/fuzz/kept_promises.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)banter::data::recognises_convai2(bytes);
  banter::tests::read_bytes(&banter::data::read_convai2, bytes);
  return 0;
}
