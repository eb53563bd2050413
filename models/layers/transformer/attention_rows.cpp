#include "models/layers/transformer/attention_rows.h"

#include <algorithm>
#include <numeric>
#include <span>

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr double kShortest = 0.75;      // of a group's longest row: what a shorter one would waste
constexpr std::int64_t kShortRow = 64;  // among so few tokens it costs less than another call

/// Whether a row of this length begins a group behind one whose longest row has `longest`. Empty
/// rows are always by themselves, so that no query is left with nothing but masked places.
bool begins_group(std::int64_t length, std::int64_t longest) {
  if (length == 0 || longest == 0) return length != longest;
  return longest > kShortRow &&
         static_cast<double>(length) < kShortest * static_cast<double>(longest);
}

torch::Tensor scattered(const torch::Tensor& packed, const torch::Tensor& slots,
                        std::int64_t count) {
  return packed.new_zeros({count, packed.size(1)}).index_copy_(0, slots, packed);
}

/// A slot holds one token at most, so each way is the other one's gradient; LibTorch's own gradient
/// of a selection adds row by row.
struct Scatter : Function<Scatter> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& packed,
                               const torch::Tensor& slots, std::int64_t count) {
    context->save_for_backward({slots});
    return scattered(packed, slots, count);
  }
  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    return {d_outputs[0].index_select(0, context->get_saved_variables()[0]), {}, {}};
  }
};

struct Gather : Function<Gather> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& padded,
                               const torch::Tensor& slots) {
    context->save_for_backward({slots});
    context->saved_data["count"] = padded.size(0);
    return padded.index_select(0, slots);
  }
  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto count = context->saved_data["count"].toInt();
    return {scattered(d_outputs[0].contiguous(), context->get_saved_variables()[0], count), {}};
  }
};

std::int64_t longest(std::span<const std::int64_t> lengths) {
  return *std::ranges::max_element(lengths);
}

bool are_alike(std::span<const std::int64_t> lengths) {
  return std::ranges::adjacent_find(lengths, std::ranges::not_equal_to{}) == lengths.end();
}

/// Slots of rows of these lengths; undefined when none is shorter than another.
torch::Tensor slots_of(std::span<const std::int64_t> lengths, const torch::Device& device) {
  if (are_alike(lengths)) return {};
  std::vector<std::int64_t> slots;
  const auto width = longest(lengths);
  for (std::size_t row = 0; row < lengths.size(); ++row)
    for (std::int64_t t = 0; t < lengths[row]; ++t)
      slots.push_back(static_cast<std::int64_t>(row) * width + t);
  return torch::tensor(slots, torch::kLong).to(device);
}

torch::Tensor keep_of(std::span<const std::int64_t> lengths, const torch::Device& device) {
  if (are_alike(lengths)) return {};
  const std::vector<std::int64_t> all(lengths.begin(), lengths.end());
  return torch::arange(longest(lengths))
      .lt(torch::tensor(all, torch::kLong).unsqueeze(1))
      .to(device);
}

}  // namespace

AttentionRows AttentionRows::of(const PaddedRows& x, const PaddedRows& memory) {
  const std::span<const std::int64_t> own(x.lengths), seen(memory.lengths);
  const auto device = x.place.device();
  AttentionRows all;
  for (std::size_t begin = 0, end = 0; begin < seen.size(); begin = end) {
    auto most = seen[begin];
    for (end = begin + 1; end < seen.size() && !begins_group(seen[end], most); ++end)
      most = std::max(most, seen[end]);
    const auto mine = own.subspan(begin, end - begin), theirs = seen.subspan(begin, end - begin);
    all.groups.push_back({.rows = static_cast<std::int64_t>(end - begin),
                          .width = longest(mine),
                          .memory_width = most,
                          .slots = slots_of(mine, device),
                          .memory_slots = slots_of(theirs, device),
                          .keep = keep_of(theirs, device)});
    all.tokens.push_back(std::accumulate(mine.begin(), mine.end(), std::int64_t{0}));
    all.memory_tokens.push_back(std::accumulate(theirs.begin(), theirs.end(), std::int64_t{0}));
  }
  return all;
}

torch::Tensor to_slots(const torch::Tensor& packed, const torch::Tensor& slots, std::int64_t rows,
                       std::int64_t width) {
  const auto flat =
      slots.defined() ? Scatter::apply(packed.contiguous(), slots, rows * width) : packed;
  return flat.view({rows, width, packed.size(1)});
}

torch::Tensor from_slots(const torch::Tensor& padded, const torch::Tensor& slots) {
  const auto flat = padded.reshape({padded.size(0) * padded.size(1), padded.size(2)});
  return slots.defined() ? Gather::apply(flat, slots) : flat;
}

}  // namespace banter::models
