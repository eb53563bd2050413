#include "models/ensemble.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/errors.h"

namespace banter::models {
namespace {

Vocabulary common_vocabulary(const std::vector<ModelPtr>& members) {
  if (members.empty()) throw base::Error("an ensemble needs a model");
  const auto& first = members.front()->vocabulary();
  for (const auto& member : members) {
    if (member->vocabulary().size != first.size || member->vocabulary().special != first.special)
      throw base::Error("models of an ensemble have different vocabularies");
    if (member->passes() != 1)
      throw base::Error("a model of an ensemble makes a reply in several passes");
  }
  return first;
}

/// Shapes   each (N,J'), J' of its own -> (N,largest J')
torch::Tensor mean_of_tokens(const std::vector<std::function<torch::Tensor()>>& of_members) {
  torch::Tensor sum;
  for (const auto& of_member : of_members) {
    const auto weights = of_member();
    if (!sum.defined()) {
      sum = weights;
      continue;
    }
    const auto J = std::max(sum.size(1), weights.size(1));
    const auto widened = [&](const torch::Tensor& rows) {
      return torch::constant_pad_nd(rows, {0, J - rows.size(1)});
    };
    sum = widened(sum) + widened(weights);
  }
  return sum / static_cast<double>(of_members.size());
}

/// The mean of attentions of one name; that of tokens where all tell it.
Attention mean_of(std::vector<Attention> all) {
  if (all.size() == 1) return std::move(all.front());
  auto sum = all.front().weights;
  for (std::size_t i = 1; i < all.size(); ++i) sum = sum + all[i].weights;
  Attention mean{all.front().name, sum / static_cast<double>(all.size())};
  std::vector<std::function<torch::Tensor()>> of_tokens;
  for (auto& one : all)
    if (one.of_tokens) of_tokens.push_back(std::move(one.of_tokens));
  if (of_tokens.size() == all.size())
    mean.of_tokens = [of_tokens = std::move(of_tokens)] { return mean_of_tokens(of_tokens); };
  return mean;
}

/// Means of attentions of one name, in the order in which the names come first.
std::vector<Attention> mean_attention(std::vector<std::vector<Attention>> of_members) {
  std::vector<std::vector<Attention>> by_name;
  for (auto& of_member : of_members) {
    for (auto& one : of_member) {
      const auto known = std::ranges::find_if(
          by_name, [&](const auto& same) { return same.front().name == one.name; });
      auto& same = known != by_name.end() ? *known : by_name.emplace_back();
      same.push_back(std::move(one));
    }
  }
  std::vector<Attention> means;
  for (auto& same : by_name) means.push_back(mean_of(std::move(same)));
  return means;
}

/// Where member m's parts begin among those of all.
std::ptrdiff_t first_part(const std::vector<std::size_t>& parts, std::size_t m) {
  const auto end = parts.begin() + static_cast<std::ptrdiff_t>(m);
  return static_cast<std::ptrdiff_t>(std::accumulate(parts.begin(), end, std::size_t{0}));
}

}  // namespace

const std::vector<std::string>& Ensemble::means() {
  static const std::vector<std::string> kMeans = {"log_probs", "probs"};
  return kMeans;
}

Ensemble::Ensemble(std::vector<ModelPtr> members, std::string_view mean)
    : DialogueModel(common_vocabulary(members)),
      members_(std::move(members)),
      is_mean_of_probs_(mean == "probs") {
  if (std::ranges::find(means(), mean) == means().end()) {
    std::string known;
    for (const auto& one : means()) known += (known.empty() ? "" : ", ") + one;
    throw base::Error("an ensemble's mean \"" + std::string(mean) + "\" is unknown; known are " +
                      known);
  }
  for (std::size_t m = 0; m < members_.size(); ++m)
    register_module("member" + std::to_string(m), members_[m]);
  eval();
}

// ---- rows of all members ----------------------------------------------------------------------

template <typename Make>
Rows Ensemble::of_each(Parts& parts, const Make& make) const {
  Rows all;
  Parts counts;  // `make` may read `parts`
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Rows rows = make(*members_[m], m);
    counts.push_back(rows.parts.size());
    std::ranges::move(rows.parts, std::back_inserter(all.parts));
  }
  parts = std::move(counts);
  return all;
}

Rows Ensemble::part_of(const Rows& rows, const Parts& parts, std::size_t m) {
  const auto begin = rows.parts.begin() + first_part(parts, m);
  return {{begin, begin + static_cast<std::ptrdiff_t>(parts[m])}};
}

Rows Ensemble::taken_from(Rows& rows, const Parts& parts, std::size_t m) {
  const auto begin = std::make_move_iterator(rows.parts.begin() + first_part(parts, m));
  return {{begin, begin + static_cast<std::ptrdiff_t>(parts[m])}};
}

// ---- what a reply reads -----------------------------------------------------------------------

bool Ensemble::encodes_turns() const {
  return std::ranges::any_of(members_, [](const auto& member) { return member->encodes_turns(); });
}

Kept Ensemble::encode_turns(const data::Batch& batch) {
  return {of_each(kept_parts_,
                  [&](DialogueModel& member, std::size_t) { return member.encode_turns(batch); })};
}

Memory Ensemble::compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                         const torch::Tensor& reply_speaker) {
  return {of_each(memory_parts_, [&](DialogueModel& member, std::size_t m) {
    return member.compose({part_of(kept, kept_parts_, m)}, context, facts, reply_speaker);
  })};
}

Memory Ensemble::compose_next(Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                              const torch::Tensor& reply_speaker) {
  Kept changed;
  Memory memory{of_each(memory_parts_, [&](DialogueModel& member, std::size_t m) {
    Kept own{part_of(kept, kept_parts_, m)};
    auto composed = member.compose_next(own, context, facts, reply_speaker);
    std::ranges::move(own.parts, std::back_inserter(changed.parts));
    return composed;
  })};
  kept = std::move(changed);
  return memory;
}

AttendedTokens Ensemble::attended_tokens() const {
  const auto first = members_.front()->attended_tokens();
  const auto is_same = [&](const auto& member) { return member->attended_tokens() == first; };
  return std::ranges::all_of(members_, is_same) ? first : AttendedTokens::kNone;
}

Memory Ensemble::select_memory(const Memory& memory, const torch::Tensor& index) const {
  Parts parts;
  return {of_each(parts, [&](DialogueModel& member, std::size_t m) {
    return member.select_memory({part_of(memory, memory_parts_, m)}, index);
  })};
}

// ---- a token ----------------------------------------------------------------------------------

State Ensemble::start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) {
  return {memory_row, of_each(state_parts_, [&](DialogueModel& member, std::size_t m) {
            return member.start(pass, {part_of(memory, memory_parts_, m)}, memory_row).rows;
          })};
}

State Ensemble::draw(const State& start, const Memory& memory, const torch::Tensor& keys) {
  return {start.memory_row, of_each(state_parts_, [&](DialogueModel& member, std::size_t m) {
            return member
                .draw({start.memory_row, part_of(start.rows, state_parts_, m)},
                      {part_of(memory, memory_parts_, m)}, keys)
                .rows;
          })};
}

torch::Tensor Ensemble::combined(const std::vector<torch::Tensor>& logits) const {
  if (logits.size() == 1) return logits.front();
  const auto all = torch::stack(logits);  // (members,N,V)
  // A row at a time: LibTorch's exp has other last bits at the end of a tensor than before it.
  std::vector<torch::Tensor> rows;
  for (std::int64_t n = 0; n < all.size(1); ++n) {
    const auto log_probs = all.select(1, n).contiguous().log_softmax(-1);  // (members,V)
    rows.push_back(is_mean_of_probs_
                       ? log_probs.logsumexp(0) - std::log(static_cast<double>(logits.size()))
                       : log_probs.mean(0));
  }
  return torch::stack(rows);
}

StepOutput Ensemble::step(const torch::Tensor& ids, const Memory& memory, State state) {
  std::vector<torch::Tensor> logits;
  std::vector<std::vector<Attention>> attention;
  StepOutput out;
  out.state.memory_row = state.memory_row;
  out.state.rows = of_each(state_parts_, [&](DialogueModel& member, std::size_t m) {
    auto output = member.step(ids, {part_of(memory, memory_parts_, m)},
                              {state.memory_row, taken_from(state.rows, state_parts_, m)});
    logits.push_back(std::move(output.logits));
    attention.push_back(std::move(output.attention));
    return std::move(output.state.rows);
  });
  out.logits = combined(logits);
  out.attention = mean_attention(std::move(attention));
  return out;
}

bool Ensemble::has_fixed_step() const {
  return std::ranges::all_of(members_, [](const auto& member) { return member->has_fixed_step(); });
}

// ---- given replies ----------------------------------------------------------------------------

std::vector<LossSum> Ensemble::losses(const data::Batch& /*batch*/) {
  throw base::Error("an ensemble is asked, not trained; train its models one by one");
}

Score Ensemble::score(const data::Batch& batch, bool with_attention) {
  if (members_.size() == 1) return members_.front()->score(batch, with_attention);
  const auto memory = compose(encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  auto state =
      start(/*pass=*/0, memory, torch::arange(batch.labels.size(0), batch.labels.options()));
  const auto real = batch.labels.ge(0);
  Score score{{}, torch::zeros_like(real), {}};
  std::vector<torch::Tensor> log_probs;
  std::vector<std::vector<torch::Tensor>> weights;
  for (std::int64_t s = 0; s < batch.labels.size(1); ++s) {
    auto out = step(batch.decoder_input.select(1, s), memory, std::move(state));
    const auto all = out.logits.log_softmax(-1);                // (B,V)
    const auto label = batch.labels.select(1, s).clamp_min(0);  // (B)
    log_probs.push_back(all.gather(1, label.unsqueeze(1)).squeeze(1));
    score.correct.select(1, s).copy_(all.argmax(1).eq(label).logical_and(real.select(1, s)));
    state = std::move(out.state);
    if (!with_attention) continue;
    if (s == 0) weights.resize(out.attention.size());
    for (std::size_t kind = 0; kind < weights.size(); ++kind) {
      if (s == 0) score.attention.push_back({out.attention[kind].name, {}});
      weights[kind].push_back(out.attention[kind].weights);
    }
  }
  score.log_probs = torch::stack(log_probs, 1).masked_fill(real.logical_not(), 0.0);
  for (std::size_t kind = 0; kind < weights.size(); ++kind)
    score.attention[kind].weights = torch::stack(weights[kind], 1) * real.unsqueeze(2);
  return score;
}

}  // namespace banter::models
