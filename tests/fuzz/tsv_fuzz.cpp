#include <array>
#include <cstdint>

#include "data/formats/turns/eou_text.h"
#include "data/formats/turns/tsv.h"
#include "data/formats/turns/ubuntu_v1.h"
#include "tests/fuzz/kept_promises.h"

namespace {

using namespace banter;

struct Reader {
  std::string_view (*recognises)(std::string_view head);
  void (*read)(data::InputStream& stream, const data::ReadLimits& limits, data::Receiver& receiver);
};

constexpr std::array kReaders = {
    Reader{&data::recognises_tsv, &data::read_tsv},
    Reader{&data::recognises_eou_text, &data::read_eou_text},
    Reader{&data::recognises_ubuntu_v1, &data::read_ubuntu_v1},
};

}  // namespace

/// The first byte picks a reader of lines; what it makes of the others keeps its promises.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto& reader = kReaders[*data % kReaders.size()];
  (void)reader.recognises(bytes);
  tests::read_bytes(reader.read, bytes);
  return 0;
}
