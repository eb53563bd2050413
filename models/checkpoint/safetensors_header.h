#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The head of a safetensors file: where each tensor lies in it. No torch, no tensor bytes.
///
///     8 bytes: header length, little endian | JSON header, spaces behind it | tensor bytes
namespace banter::models {

/// One tensor of a file.
struct TensorEntry {
  std::string name;
  std::string dtype;                ///< as in the file: "F32", "I64", ...
  std::vector<std::int64_t> shape;  ///< empty = a scalar
  std::uint64_t begin = 0;          ///< first byte, counted from the start of the data section
  std::uint64_t end = 0;            ///< behind its last byte
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  ///< in the order of their bytes
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  ///< byte of the file where the data section starts
};

/// Bytes of one element, or 0 for a dtype that we do not read.
std::uint64_t dtype_bytes(std::string_view dtype);

/// Reads and checks the header at the start of `file` (the whole file, mapped).
///
/// Throws   CheckpointError starting with `where` when the header is longer than the file or 1 MB,
///          does not start with `{`, is no strict JSON (a name twice included), has another key or
///          type than the format's, an unknown dtype, a shape whose product overflows, or offsets
///          that lie outside, overlap, leave a hole or leave bytes over
/// Cost     refuses before it allocates anything that a length in the file asks for
/// Source   huggingface/safetensors, "Format" in its README; stricter: 1 MB instead of 100 MB
SafetensorsHeader parse_safetensors_header(std::string_view file, std::string_view where);

/// The bytes in front of the data section: names sorted, padded with spaces so that the data starts
/// on a 64-byte border. Fills `begin` and `end` of `tensors`: wide elements first, then by name, so
/// that every tensor lies on a border of its own element.
/// Throws   CheckpointError when the header would be longer than 1 MB
std::string make_safetensors_header(std::vector<TensorEntry>& tensors,
                                    const std::map<std::string, std::string>& metadata);

}  // namespace banter::models
