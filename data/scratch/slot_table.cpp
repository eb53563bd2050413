#include "data/scratch/slot_table.h"

#include <algorithm>
#include <utility>

namespace banter::data {
namespace {
constexpr std::uint64_t kFirstCapacity = 1U << 12U;
}

SlotTable::SlotTable(std::filesystem::path folder, std::uint64_t max_in_memory)
    : folder_(std::move(folder)),
      max_in_memory_(max_in_memory),
      capacity_(kFirstCapacity),
      slots_(kFirstCapacity) {}

Slot SlotTable::read(std::uint64_t index) {
  if (!file_) return slots_[index];
  const auto begin = index / kBlock * kBlock;
  if (block_begin_ != begin) {
    block_begin_.reset();
    block_.fill({});
    file_->read_at(begin * sizeof(Slot), block_.data(), sizeof block_);
    block_begin_ = begin;
  }
  return block_[index - begin];
}

void SlotTable::write(std::uint64_t index, const Slot& slot) {
  if (!file_) {
    slots_[index] = slot;
    return;
  }
  file_->write_at(index * sizeof slot, &slot, sizeof slot);
  if (block_begin_ == index / kBlock * kBlock) block_[index % kBlock] = slot;
}

void SlotTable::insert(const Slot& slot) {
  write(find(slot.hash, [](const Slot&) { return false; }), slot);
}

/// The old slots are read from front to back.
void SlotTable::grow() {
  const auto old_slots = std::exchange(slots_, {});
  const auto old_file = std::exchange(file_, std::nullopt);
  const auto old_capacity = std::exchange(capacity_, capacity_ * 2);
  block_begin_.reset();
  if (capacity_ <= max_in_memory_)
    slots_.resize(capacity_);
  else
    file_.emplace(folder_);
  const auto insert_all = [&](const std::vector<Slot>& slots) {
    for (const auto& slot : slots)
      if (slot.hash != 0) insert(slot);
  };
  if (!old_file) return insert_all(old_slots);
  std::vector<Slot> part(kFirstCapacity);
  for (std::uint64_t begin = 0; begin < old_capacity; begin += part.size()) {
    std::ranges::fill(part, Slot{});
    old_file->read_at(begin * sizeof(Slot), part.data(), part.size() * sizeof(Slot));
    insert_all(part);
  }
}

}  // namespace banter::data
