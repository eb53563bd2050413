#include "data/store/hashed_file.h"

namespace banter::data {

HashedFile::HashedFile(const std::filesystem::path& folder, std::string name, std::uint64_t size)
    : name_(std::move(name)), file_(folder / name_, size) {
  base::read_in_pieces(folder / name_, [&](std::string_view bytes) { hash_.add(bytes); });
}

boost::json::object HashedFile::close() {
  const auto size = file_.size();
  file_.close();
  return {{"name", name_}, {"bytes", size}, {"sha256", hash_.hex()}};
}

}  // namespace banter::data
