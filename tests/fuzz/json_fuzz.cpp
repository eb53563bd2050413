#include <array>
#include <cstddef>
#include <cstdint>

#include "data/formats/json/chitchat.h"
#include "data/formats/json/jsonl.h"
#include "data/formats/json/personal_dialog.h"
#include "tests/fuzz/kept_promises.h"

namespace {

using namespace banter::data;

struct Reader {
  std::string_view (*recognises)(std::string_view head);
  void (*read)(InputStream&, const ReadLimits&, Receiver&);
};

constexpr std::array kReaders = {
    Reader{&recognises_jsonl, &read_jsonl},
    Reader{&recognises_chitchat, &read_chitchat},
    Reader{&recognises_personal_dialog, &read_personal_dialog},
};

}  // namespace

/// The first byte picks the reader of the others.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& reader = kReaders[data[0] % kReaders.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)reader.recognises(bytes);
  banter::tests::read_bytes(reader.read, bytes);
  return 0;
}
