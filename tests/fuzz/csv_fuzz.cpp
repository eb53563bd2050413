#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "data/formats/turns/ubuntu_v2.h"
#include "data/input/csv_rows.h"
#include "tests/fuzz/kept_promises.h"

namespace {

using namespace banter;

/// Rows as text, however many bytes come at once.
std::vector<std::string> rows(std::string_view bytes, std::size_t max_bytes, std::size_t at_once) {
  data::InputStream stream({}, "", [&](char* buffer, std::size_t size) {
    const auto count = bytes.copy(buffer, std::min(size, at_once));
    bytes.remove_prefix(count);
    return count;
  });
  data::CsvRows rows(stream, max_bytes);
  std::vector<std::string> found;
  while (rows.next()) {
    std::size_t size = 0;
    found.push_back(std::to_string(rows.place().line) + std::string(rows.fault()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      (found.back() += '|') += rows.field(i);
      size += rows.field(i).size();
    }
    if (size > max_bytes || rows.fault().empty() != (rows.size() > 0)) std::abort();
  }
  return found;
}

/// CSV of whole fields gives back the fields.
void check_round_trip(std::string_view bytes) {
  std::string csv = "\"";
  for (const char c : bytes) csv += c == '"' ? std::string(2, c) : std::string(1, c);
  csv += "\",x";
  const auto found = rows(csv, csv.size(), csv.size());
  if (found.size() != 1 || found[0] != "1|" + std::string(bytes) + "|x") std::abort();
}

}  // namespace

/// Any bytes are rows or faults, the same wherever they are cut; any bytes are a field; and what
/// the reader of Ubuntu v2 makes of them keeps its promises.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kMaxBytes = 100;
  if (rows(bytes, kMaxBytes, 1) != rows(bytes, kMaxBytes, 1000)) std::abort();
  check_round_trip(bytes);
  (void)data::recognises_ubuntu_v2(bytes);
  tests::read_bytes(&data::read_ubuntu_v2, bytes);
  return 0;
}
