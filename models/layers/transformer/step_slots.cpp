#include "models/layers/transformer/step_slots.h"

#include <algorithm>
#include <bit>

namespace banter::models {
namespace {

constexpr std::int64_t kFirstSlots = 16;  // a short reply never needs more

bool may_be_written(const torch::Tensor& slots) {
  const bool is_known_elsewhere = slots.use_count() > 1 || slots.storage().use_count() > 1;
  const bool is_frozen = slots.is_inference() && !c10::InferenceMode::is_enabled();
  return !is_known_elsewhere && !is_frozen && !torch::GradMode::is_enabled();
}

/// Slots of that capacity that may be written, with what they hold. Shapes   slots (N,C',D)
torch::Tensor own_slots(const torch::Tensor& slots, std::int64_t capacity) {
  const auto more = capacity - slots.size(1);
  if (more == 0) return may_be_written(slots) ? slots : slots.clone();
  if (more < 0) return slots.narrow(1, 0, capacity).clone(torch::MemoryFormat::Contiguous);
  return torch::cat({slots, slots.new_zeros({slots.size(0), more, slots.size(2)})}, 1);
}

}  // namespace

StepSlots StepSlots::of(const torch::Tensor& length) {
  const auto longest = length.numel() == 0 ? 0 : length.max().item<std::int64_t>();
  const auto needed = std::bit_ceil(static_cast<std::uint64_t>(longest) + 1);
  StepSlots slots;
  slots.capacity = std::max(kFirstSlots, static_cast<std::int64_t>(needed));
  slots.places = {length, slots.capacity};
  const auto first = torch::arange(length.size(0), length.options()) * slots.capacity;  // (N)
  slots.at = first + length;
  const auto slot = torch::arange(slots.capacity, length.options());
  slots.index = (first.unsqueeze(1) + slot).masked_fill(slot.gt(length.unsqueeze(1)), -1);
  return slots;
}

StepSlots StepSlots::of_all(const PaddedRows& rows) {
  StepSlots slots;
  slots.places = rows.positions;
  slots.capacity = rows.tokens();
  slots.at = torch::arange(rows.tokens(), rows.positions.index.options());
  const auto before = torch::arange(rows.width, rows.positions.index.options());
  const auto place = rows.positions.index.unsqueeze(1);  // (P,1)
  slots.index = ((slots.at - rows.positions.index).unsqueeze(1) + before)
                    .masked_fill(before.gt(place), -1);  // (P,W)
  return slots;
}

torch::Tensor StepSlots::put(const torch::Tensor& slots, const torch::Tensor& tokens) const {
  const auto N = slots.size(0), D = slots.size(2);
  const auto filled = own_slots(slots, capacity);
  filled.view({N * capacity, D}).index_copy_(0, at, tokens);
  return filled;
}

}  // namespace banter::models
