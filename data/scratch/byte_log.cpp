#include "data/scratch/byte_log.h"

#include <algorithm>

namespace banter::data {

std::uint64_t ByteLog::append(std::string_view piece) {
  const auto offset = written_ + latest_.size();
  const auto end = offset + piece.size();
  if (end > reserved_) {
    const auto wanted = end + kBufferBytes;
    file_.reserve(reserved_, wanted - reserved_);
    reserved_ = wanted;
  }
  latest_ += piece;
  if (latest_.size() >= kBufferBytes) {
    file_.write_at(written_, latest_.data(), latest_.size());
    written_ += latest_.size();
    latest_.clear();
  }
  return offset;
}

void ByteLog::read(std::uint64_t offset, void* data, std::size_t size) const {
  if (offset < written_) return file_.read_at(offset, data, size);
  latest_.copy(static_cast<char*>(data), size, offset - written_);
}

}  // namespace banter::data
