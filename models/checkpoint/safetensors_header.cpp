#include "models/checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/errors.h"
#include "base/json.h"
#include "base/utf8.h"

namespace banter::models {
namespace {

namespace json = base::json;
using base::CheckpointError;

constexpr std::uint64_t kMaxHeaderBytes = 1 << 20;
constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kBorder = 64;
constexpr std::string_view kMetadata = "__metadata__";

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 10> kDtypes = {{
    {"BF16", 2},
    {"BOOL", 1},
    {"F16", 2},
    {"F32", 4},
    {"F64", 8},
    {"I16", 2},
    {"I32", 4},
    {"I64", 8},
    {"I8", 1},
    {"U8", 1},
}};

/// Reads one tensor's record; every message names the file and the tensor.
class EntryReader {
 public:
  EntryReader(std::string_view where, std::string_view name)
      : where_(std::string(where) + ": tensor \"" + base::printable(name) + "\" ") {}

  TensorEntry read(std::string_view name, const json::value& value, std::uint64_t data_bytes) {
    const auto* record = value.if_object();
    if (record == nullptr) fail("is not described by an object");
    for (const auto& [key, unused] : *record)
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        fail("has the unknown key \"" + base::printable(key) + "\"");

    TensorEntry entry{.name = std::string(name), .dtype = {}, .shape = {}};
    const auto& dtype = member(*record, "dtype");
    if (!dtype.is_string()) fail("has a dtype that is not a string");
    entry.dtype = std::string(dtype.get_string());
    const auto width = dtype_bytes(entry.dtype);
    if (width == 0) fail("has the unknown dtype \"" + base::printable(entry.dtype) + "\"");

    auto bytes = width;
    bool is_empty = false;  // a 0 hides no overflow: strides are products of the other sizes
    for (const auto size : integers(*record, "shape")) {
      is_empty = is_empty || size == 0;
      if (size != 0 && (__builtin_mul_overflow(bytes, size, &bytes) || bytes > INT64_MAX))
        fail("has a shape whose product overflows");
      entry.shape.push_back(static_cast<std::int64_t>(size));
    }
    if (is_empty) bytes = 0;

    const auto offsets = integers(*record, "data_offsets");
    if (offsets.size() != 2) fail("has not exactly two data_offsets");
    entry.begin = offsets[0];
    entry.end = offsets[1];
    if (entry.begin > entry.end || entry.end > data_bytes)
      fail("lies outside of the file: bytes " + std::to_string(entry.begin) + " to " +
           std::to_string(entry.end) + " of " + std::to_string(data_bytes));
    if (entry.end - entry.begin != bytes)
      fail("has " + std::to_string(entry.end - entry.begin) + " bytes where its shape needs " +
           std::to_string(bytes));
    return entry;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw CheckpointError(where_ + why); }

  [[nodiscard]] const json::value& member(const json::object& record, std::string_view key) const {
    const auto* found = record.if_contains(key);
    if (found == nullptr) fail("has no " + std::string(key));
    return *found;
  }

  [[nodiscard]] std::vector<std::uint64_t> integers(const json::object& record,
                                                    std::string_view key) const {
    const auto* list = member(record, key).if_array();
    if (list == nullptr) fail("has a " + std::string(key) + " that is not a list");
    std::vector<std::uint64_t> numbers;
    for (const auto& item : *list) {
      const auto* number = item.if_int64();
      if (number == nullptr || *number < 0)
        fail("has a " + std::string(key) + " that is not made of whole numbers from 0 to 2^63 - 1");
      numbers.push_back(static_cast<std::uint64_t>(*number));
    }
    return numbers;
  }

  std::string where_;
};

void read_metadata(const json::value& value, std::string_view where, SafetensorsHeader& header) {
  const auto* entries = value.if_object();
  if (entries == nullptr) throw CheckpointError(std::string(where) + ": __metadata__ is no object");
  for (const auto& [key, text] : *entries) {
    if (!text.is_string())
      throw CheckpointError(std::string(where) + ": __metadata__ \"" + base::printable(key) +
                            "\" is not a string");
    header.metadata.emplace(key, text.get_string());
  }
}

}  // namespace

std::uint64_t dtype_bytes(std::string_view dtype) {
  for (const auto& [name, bytes] : kDtypes)
    if (name == dtype) return bytes;
  return 0;
}

SafetensorsHeader parse_safetensors_header(std::string_view file, std::string_view where) {
  const auto fail = [&](const std::string& why) {
    throw CheckpointError(std::string(where) + ": no safetensors file: " + why);
  };
  if (file.size() < kLengthBytes) fail("it is shorter than 8 bytes");
  std::uint64_t length = 0;
  for (std::uint64_t i = 0; i < kLengthBytes; ++i)
    length |= std::uint64_t{static_cast<unsigned char>(file[i])} << (8 * i);
  if (length > kMaxHeaderBytes) fail("its header would be longer than 1 MB");
  if (length > file.size() - kLengthBytes) fail("its header is longer than the file");
  const auto text = file.substr(kLengthBytes, length);
  if (!text.starts_with('{')) fail("its header does not start with {");

  json::value value;
  try {
    value = base::parse_json(text, where, 4);
  } catch (const base::DataError& error) {
    throw CheckpointError(error.what());
  }

  SafetensorsHeader header;
  header.data_begin = kLengthBytes + length;
  const auto data_bytes = file.size() - header.data_begin;
  for (const auto& [name, record] : value.as_object()) {
    if (name == kMetadata)
      read_metadata(record, where, header);
    else
      header.tensors.push_back(EntryReader(where, name).read(name, record, data_bytes));
  }

  std::ranges::sort(header.tensors, [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t expected = 0;
  for (const auto& entry : header.tensors) {
    if (entry.begin != expected)
      fail("tensor \"" + base::printable(entry.name) +
           (entry.begin < expected ? "\" overlaps the one before it"
                                   : "\" leaves a hole before it"));
    expected = entry.end;
  }
  if (expected != data_bytes)
    fail("it has " + std::to_string(data_bytes - expected) + " bytes that belong to no tensor");
  return header;
}

std::string make_safetensors_header(std::vector<TensorEntry>& tensors,
                                    const std::map<std::string, std::string>& metadata) {
  std::ranges::sort(tensors, [](const TensorEntry& a, const TensorEntry& b) {
    const auto width_a = dtype_bytes(a.dtype), width_b = dtype_bytes(b.dtype);
    return width_a != width_b ? width_a > width_b : a.name < b.name;
  });
  std::uint64_t place = 0;
  std::map<std::string_view, const TensorEntry*> by_name;
  for (auto& entry : tensors) {
    auto bytes = dtype_bytes(entry.dtype);
    for (const auto size : entry.shape) bytes *= static_cast<std::uint64_t>(size);
    entry.begin = place;
    entry.end = place += bytes;
    by_name.emplace(entry.name, &entry);
  }

  json::object header;
  if (!metadata.empty()) {
    auto& record = header[kMetadata].emplace_object();
    for (const auto& [key, text] : metadata) record[key] = text;
  }
  for (const auto& [name, entry] : by_name)
    header[name] = {{"dtype", entry->dtype},
                    {"shape", json::array(entry->shape.begin(), entry->shape.end())},
                    {"data_offsets", {entry->begin, entry->end}}};
  auto text = json::serialize(header);
  text.append((kBorder - (kLengthBytes + text.size()) % kBorder) % kBorder, ' ');
  if (text.size() > kMaxHeaderBytes)
    throw CheckpointError("a safetensors header of " + std::to_string(tensors.size()) +
                          " tensors would be longer than 1 MB");

  std::string bytes;
  for (std::uint64_t i = 0; i < kLengthBytes; ++i)
    bytes.push_back(static_cast<char>(text.size() >> (8 * i) & 0xFF));
  return bytes + text;
}

}  // namespace banter::models
