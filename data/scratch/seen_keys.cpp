#include "data/scratch/seen_keys.h"

#include <xxhash.h>

namespace banter::data {
namespace {

struct EntryHead {
  std::uint64_t mark;
  std::uint32_t key_bytes;
  std::uint32_t note_bytes;
};

}  // namespace

SeenKeys::SeenKeys(const std::filesystem::path& folder) : table_(folder), entries_(folder) {}

std::optional<SeenKeys::First> SeenKeys::add(std::string_view key, std::string_view note,
                                             std::uint64_t mark) {
  if (size_ * 2 >= table_.capacity()) table_.grow();
  std::optional<First> first;
  const auto is_key = [&](const Slot& slot) {
    EntryHead head{};
    entries_.read(slot.entry, &head, sizeof head);
    std::string text(std::size_t{head.key_bytes} + head.note_bytes, '\0');
    entries_.read(slot.entry + sizeof head, text.data(), text.size());
    if (std::string_view(text).substr(0, head.key_bytes) != key) return false;
    first = First{text.substr(head.key_bytes), head.mark};
    return true;
  };
  const std::uint64_t hash = XXH3_64bits(key.data(), key.size()) | 1U;  // 0 is an empty slot's
  const auto index = table_.find(hash, is_key);
  if (first) return first;
  const EntryHead head{mark, static_cast<std::uint32_t>(key.size()),
                       static_cast<std::uint32_t>(note.size())};
  entry_.assign(reinterpret_cast<const char*>(&head), sizeof head);
  entry_.append(key).append(note);
  table_.write(index, {hash, entries_.append(entry_)});
  ++size_;
  return std::nullopt;
}

}  // namespace banter::data
