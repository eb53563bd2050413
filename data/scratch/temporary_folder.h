#pragma once

#include <filesystem>

namespace banter::data {

/// A folder that is removed with all its content when this ends.
class TemporaryFolder {
 public:
  /// Makes it and its parents. Throws   FileError
  explicit TemporaryFolder(std::filesystem::path path);
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A fresh folder in the system's place for temporary files. Throws   FileError
std::filesystem::path unique_temporary_path();

}  // namespace banter::data
