#include "data/preparation/seen_keys.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::data {
namespace {

constexpr std::uint64_t kFirstCapacity = 1 << 12;  // a power of two, and so are the later ones

std::uint64_t first_slot(std::uint64_t hash, std::uint64_t capacity) {
  return hash >> 1 & (capacity - 1);  // the lowest bit is always set
}

struct EntryHead {
  std::uint64_t mark;
  std::uint32_t key_bytes;
  std::uint32_t note_bytes;
};

[[noreturn]] void fail(const std::filesystem::path& folder, const std::string& what) {
  const int error = errno;
  throw base::FileError(base::printable(folder.string(), 1000) +
                        ": a temporary file in it cannot be " + what + ": " + std::strerror(error));
}

/// A file without a name: the disk space returns whatever happens to the process.
int open_nameless(const std::filesystem::path& folder) {
  std::string name = (folder / "banter-seen-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  if (fd < 0) fail(folder, "made");
  ::unlink(name.c_str());
  return fd;
}

void write_at(int fd, const void* data, std::size_t size, std::uint64_t offset,
              const std::filesystem::path& folder) {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const auto count = ::pwrite(fd, bytes, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(folder, "written");
    bytes += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
}

/// Reads what is there; the rest stays as it was (a hole at the end of the table: zeros).
void read_at(int fd, void* data, std::size_t size, std::uint64_t offset,
             const std::filesystem::path& folder) {
  auto* bytes = static_cast<char*>(data);
  while (size > 0) {
    const auto count = ::pread(fd, bytes, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(folder, "read");
    if (count == 0) return;
    bytes += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace

SeenKeys::SeenKeys(const std::filesystem::path& folder)
    : folder_(folder),
      table_(open_nameless(folder)),
      keys_(open_nameless(folder)),
      capacity_(kFirstCapacity) {}

SeenKeys::SeenKeys(SeenKeys&& other) noexcept
    : folder_(std::move(other.folder_)),
      table_(std::exchange(other.table_, -1)),
      keys_(std::exchange(other.keys_, -1)),
      capacity_(other.capacity_),
      size_(other.size_),
      keys_bytes_(other.keys_bytes_) {}

SeenKeys::~SeenKeys() {
  if (table_ >= 0) ::close(table_);
  if (keys_ >= 0) ::close(keys_);
}

SeenKeys::Slot SeenKeys::read_slot(int table, std::uint64_t index) const {
  Slot slot{0, 0};
  read_at(table, &slot, sizeof slot, index * sizeof slot, folder_);
  return slot;
}

void SeenKeys::write_slot(int table, std::uint64_t index, const Slot& slot) const {
  write_at(table, &slot, sizeof slot, index * sizeof slot, folder_);
}

/// Doubles the table; the old one is read from front to back.
void SeenKeys::grow() {
  const int larger = open_nameless(folder_);
  const auto capacity = capacity_ * 2;
  std::vector<Slot> block(kFirstCapacity);
  for (std::uint64_t begin = 0; begin < capacity_; begin += block.size()) {
    block.assign(block.size(), Slot{0, 0});
    read_at(table_, block.data(), block.size() * sizeof(Slot), begin * sizeof(Slot), folder_);
    for (const auto& slot : block) {
      if (slot.hash == 0) continue;
      auto index = first_slot(slot.hash, capacity);
      while (read_slot(larger, index).hash != 0) index = (index + 1) & (capacity - 1);
      write_slot(larger, index, slot);
    }
  }
  ::close(table_);
  table_ = larger;
  capacity_ = capacity;
}

std::optional<SeenKeys::First> SeenKeys::add(std::string_view key, std::string_view note,
                                             std::uint64_t mark) {
  if (size_ * 2 >= capacity_) grow();
  const std::uint64_t hash = std::hash<std::string_view>{}(key) | 1;  // never the empty mark
  auto index = first_slot(hash, capacity_);
  for (;; index = (index + 1) & (capacity_ - 1)) {
    const auto slot = read_slot(table_, index);
    if (slot.hash == 0) break;
    if (slot.hash != hash) continue;
    EntryHead head{};
    read_at(keys_, &head, sizeof head, slot.entry, folder_);
    std::string text(std::size_t{head.key_bytes} + head.note_bytes, '\0');
    read_at(keys_, text.data(), text.size(), slot.entry + sizeof head, folder_);
    if (std::string_view(text).substr(0, head.key_bytes) == key)
      return First{text.substr(head.key_bytes), head.mark};
  }
  const EntryHead head{mark, static_cast<std::uint32_t>(key.size()),
                       static_cast<std::uint32_t>(note.size())};
  std::string entry(reinterpret_cast<const char*>(&head), sizeof head);
  entry.append(key).append(note);
  write_at(keys_, entry.data(), entry.size(), keys_bytes_, folder_);
  write_slot(table_, index, {hash, keys_bytes_});
  keys_bytes_ += entry.size();
  ++size_;
  return std::nullopt;
}

}  // namespace banter::data
