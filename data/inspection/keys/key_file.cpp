#include "data/inspection/keys/key_file.h"

#include <utility>

namespace banter::data {

KeyFile::KeyFile(std::filesystem::path folder) : folder_(std::move(folder)) {}

std::uint64_t KeyFile::append(std::span<const Key> keys) {
  if (!file_) file_.emplace(folder_);
  file_->write_at(size_ * sizeof(Key), keys.data(), keys.size_bytes());
  return std::exchange(size_, size_ + keys.size());
}

void KeyFile::read(std::uint64_t first, std::span<Key> keys) const {
  file_.value().read_at(first * sizeof(Key), keys.data(), keys.size_bytes());
}

}  // namespace banter::data
