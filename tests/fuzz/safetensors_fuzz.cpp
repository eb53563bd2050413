#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/errors.h"
#include "models/checkpoint/safetensors_header.h"

/// Any bytes are a header that keeps its promises, or a CheckpointError; nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  try {
    const auto header = banter::models::parse_safetensors_header(file, "fuzz");
    std::uint64_t place = 0;
    for (const auto& tensor : header.tensors) {
      if (tensor.begin != place || tensor.end < tensor.begin) __builtin_trap();
      place = tensor.end;
    }
    if (header.data_begin + place != size) __builtin_trap();
  } catch (const banter::base::CheckpointError&) {
  }
  return 0;
}
