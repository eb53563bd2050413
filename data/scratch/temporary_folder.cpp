#include "data/scratch/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/files.h"

namespace banter::data {

TemporaryFolder::TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {
  base::make_folders(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path unique_temporary_path() {
  std::error_code error;
  const auto parent = std::filesystem::temp_directory_path(error);
  if (error) throw base::FileError("there is no folder for temporary files: set TMPDIR");
  std::string name = (parent / "banter-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw base::FileError(name + ": cannot be made: " + std::strerror(errno));
  return name;
}

}  // namespace banter::data
