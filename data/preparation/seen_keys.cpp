#include "data/preparation/seen_keys.h"

#include <functional>
#include <utility>
#include <vector>

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

}  // namespace

SeenKeys::SeenKeys(const std::filesystem::path& folder)
    : folder_(folder), table_(folder), keys_(folder), capacity_(kFirstCapacity) {}

SeenKeys::Slot SeenKeys::read_slot(std::uint64_t index) const {
  Slot slot{0, 0};
  table_.read_at(index * sizeof slot, &slot, sizeof slot);
  return slot;
}

void SeenKeys::write_slot(std::uint64_t index, const Slot& slot) const {
  table_.write_at(index * sizeof slot, &slot, sizeof slot);
}

/// Doubles the table; the old one is read from front to back.
void SeenKeys::grow() {
  const auto old = std::exchange(table_, NamelessFile(folder_));
  const auto old_capacity = std::exchange(capacity_, capacity_ * 2);
  std::vector<Slot> block(kFirstCapacity);
  for (std::uint64_t begin = 0; begin < old_capacity; begin += block.size()) {
    block.assign(block.size(), Slot{0, 0});
    old.read_at(begin * sizeof(Slot), block.data(), block.size() * sizeof(Slot));
    for (const auto& slot : block) {
      if (slot.hash == 0) continue;
      auto index = first_slot(slot.hash, capacity_);
      while (read_slot(index).hash != 0) index = (index + 1) & (capacity_ - 1);
      write_slot(index, slot);
    }
  }
}

std::optional<SeenKeys::First> SeenKeys::add(std::string_view key, std::string_view note,
                                             std::uint64_t mark) {
  if (size_ * 2 >= capacity_) grow();
  const std::uint64_t hash = std::hash<std::string_view>{}(key) | 1;  // never the empty mark
  auto index = first_slot(hash, capacity_);
  for (;; index = (index + 1) & (capacity_ - 1)) {
    const auto slot = read_slot(index);
    if (slot.hash == 0) break;
    if (slot.hash != hash) continue;
    EntryHead head{};
    keys_.read_at(slot.entry, &head, sizeof head);
    std::string text(std::size_t{head.key_bytes} + head.note_bytes, '\0');
    keys_.read_at(slot.entry + sizeof head, text.data(), text.size());
    if (std::string_view(text).substr(0, head.key_bytes) == key)
      return First{text.substr(head.key_bytes), head.mark};
  }
  const EntryHead head{mark, static_cast<std::uint32_t>(key.size()),
                       static_cast<std::uint32_t>(note.size())};
  std::string entry(reinterpret_cast<const char*>(&head), sizeof head);
  entry.append(key).append(note);
  keys_.write_at(keys_bytes_, entry.data(), entry.size());
  write_slot(index, {hash, keys_bytes_});
  keys_bytes_ += entry.size();
  ++size_;
  return std::nullopt;
}

}  // namespace banter::data
