#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "data/input/stream.h"

namespace banter::data {

/// Unpacks gzip, member after member, checking lengths and check sums. (libarchive's own gzip
/// filter checks neither, and keeps silent about bytes that are left over.)
class GzipReader {
 public:
  /// `packed` must outlive the reader. `on_left_over` is told how many bytes stand behind the last
  /// member, when there are any.
  GzipReader(InputStream& packed, std::function<void(std::uint64_t bytes)> on_left_over);
  ~GzipReader();

  /// As InputStream::Fill. Throws   DamagedInput naming the byte in the packed file
  std::size_t fill(char* buffer, std::size_t size);

  static bool is_gzip(std::string_view head);

 private:
  struct State;
  InputStream& packed_;
  std::function<void(std::uint64_t)> on_left_over_;
  std::unique_ptr<State> state_;
  bool between_members_ = false;
  bool done_ = false;
};

}  // namespace banter::data
