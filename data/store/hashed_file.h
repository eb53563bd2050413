#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/files.h"
#include "base/hash.h"

namespace banter::data {

/// A file of a store that is hashed while it is written.
class HashedFile {
 public:
  /// A new file. Throws   FileError
  HashedFile(const std::filesystem::path& folder, std::string name)
      : name_(std::move(name)), file_(folder / name_) {}
  /// Goes on behind the first `size` bytes of a file that was being written; what stands behind
  /// them is cut off. Throws   FileError, also when it is shorter
  HashedFile(const std::filesystem::path& folder, std::string name, std::uint64_t size);

  void write(std::string_view bytes) {
    file_.write(bytes);
    hash_.add(bytes);
  }
  template <typename T>
  void write_row(const T& row) {
    write({reinterpret_cast<const char*>(&row), sizeof row});
  }
  [[nodiscard]] std::uint64_t size() const { return file_.size(); }
  void sync() { file_.sync(); }  ///< what was written is durable. Throws   FileError
  boost::json::object close();   ///< durable. Returns  name, bytes, sha256

 private:
  std::string name_;
  base::FileWriter file_;
  base::Sha256 hash_;
};

}  // namespace banter::data
