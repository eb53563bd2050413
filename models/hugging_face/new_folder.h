#pragma once

#include <filesystem>

namespace banter::models {

/// A folder that is written beside its place and put there when all of it stands.
class NewFolder {
 public:
  /// Removes what processes that were killed left beside the place.
  /// Throws   UsageError when `place` is there; FileError
  explicit NewFolder(std::filesystem::path place);
  ~NewFolder();  ///< removes what was not published
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return beside_; }
  /// Throws   FileError
  void publish();

 private:
  std::filesystem::path place_, beside_;
};

}  // namespace banter::models
