#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/errors.h"
#include "data/input/place.h"

namespace banter::data {

/// A file that is cut, damaged or of a kind that is refused as a whole: what came out of it before
/// is not to be trusted.
class DamagedInput : public base::DataError {
 public:
  using DataError::DataError;
};

/// Bytes of one file or archive member, unpacked, from front to back in bounded memory. Reading
/// on throws Stopped when a signal has come. What `peek` or `chunk` showed is valid until one of
/// them is called again.
class InputStream {
 public:
  /// Fills a buffer and returns how many bytes it got, 0 at the end. Throws   DamagedInput
  using Fill = std::function<std::size_t(char* buffer, std::size_t size)>;

  /// `name` is the path inside the source: what formats that live by file names look at.
  InputStream(Place place, std::string name, Fill fill);

  /// The next bytes without taking them, `size` unless the end (or damage) comes first.
  std::string_view peek(std::size_t size);
  /// Some of the next bytes, at least one; nothing at the end.
  /// Throws   DamagedInput where the damage is reached
  std::string_view chunk();
  void consume(std::size_t size);  ///< takes bytes that `peek` or `chunk` showed

  [[nodiscard]] const Place& place() const { return place_; }  ///< without line
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }  ///< bytes consumed so far

 private:
  bool fill_more();

  Place place_;
  std::string name_;
  Fill fill_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t offset_ = 0;
  bool ended_ = false;
  std::exception_ptr damage_;
};

}  // namespace banter::data
