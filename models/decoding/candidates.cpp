#include "models/decoding/candidates.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "base/errors.h"
#include "models/decoding/composed.h"
#include "models/decoding/eval_mode.h"

namespace banter::models {
namespace {

/// One reply of one context: a row of every step until it ends.
struct Row {
  std::size_t context = 0, reply = 0;
  const std::vector<data::TokenId>* ids = nullptr;

  [[nodiscard]] std::int64_t labels() const { return static_cast<std::int64_t>(ids->size()) + 1; }
};

/// All replies, the longest first, so that those which go on are always the first rows.
std::vector<Row> rows_of(std::span<const Candidates> asked) {
  std::vector<Row> rows;
  for (std::size_t c = 0; c < asked.size(); ++c)
    for (std::size_t r = 0; r < asked[c].replies.size(); ++r)
      rows.push_back({.context = c, .reply = r, .ids = &asked[c].replies[r]});
  std::ranges::stable_sort(rows, std::ranges::greater{}, &Row::labels);
  return rows;
}

/// Their labels. Shapes   (N,S) int64: y_1 .. eos, then pad
torch::Tensor labels_of(const std::vector<Row>& rows, const data::SpecialIds& special) {
  const auto N = static_cast<std::int64_t>(rows.size()), S = rows.front().labels();
  auto labels = torch::full({N, S}, special.pad, torch::kLong);
  auto* row = labels.data_ptr<std::int64_t>();
  for (const auto& [context, reply, ids] : rows) {
    *std::ranges::copy(*ids, row).out = special.eos;
    row += S;
  }
  return labels;
}

Memory memory_of(DialogueModel& model, const data::BatchOptions& limits,
                 std::span<const Candidates> asked, torch::Device device) {
  std::vector<data::Context> contexts;
  for (const auto& one : asked) {
    contexts.push_back(one.context);
    contexts.back().reply.clear();  // then the batch keeps their order
  }
  const auto batch = data::make_batch(contexts, limits, model.vocabulary().special).to(device);
  return model.with_own_draft(
      model.compose(model.encode_turns(batch), batch.context, batch.facts, batch.reply_speaker));
}

/// Sums of the log-probabilities of each row's labels.
/// Shapes   returns (N) float64 on the CPU
torch::Tensor log_prob_sums(DialogueModel& model, const Memory& memory,
                            const std::vector<Row>& rows, torch::Device device) {
  const auto& special = model.vocabulary().special;
  const auto labels = labels_of(rows, special).to(device);
  std::vector<std::int64_t> contexts;
  for (const auto& row : rows) contexts.push_back(static_cast<std::int64_t>(row.context));
  auto state =
      model.start(model.passes() - 1, memory, torch::tensor(contexts, torch::kLong).to(device));
  auto ids = torch::full({labels.size(0)}, special.bos, labels.options());  // (N)
  auto sums = torch::zeros({labels.size(0)}, labels.options().dtype(torch::kDouble));
  for (std::int64_t t = 0, N = labels.size(0); t < labels.size(1); ++t) {
    const auto before = N;
    while (rows[static_cast<std::size_t>(N) - 1].labels() <= t) --N;
    if (N < before) state = state.select(torch::arange(N, labels.options()));
    auto output = model.step(ids.narrow(0, 0, N), memory, std::move(state));
    ids = labels.select(1, t).narrow(0, 0, N);
    const auto chosen = output.logits.gather(1, ids.unsqueeze(1)).squeeze(1);  // (N)
    sums.narrow(0, 0, N).add_(chosen - output.logits.logsumexp(1));
    state = std::move(output.state);
  }
  return sums.to(torch::kCPU);
}

}  // namespace

std::vector<std::vector<ReplyFit>> fit_candidates(DialogueModel& model,
                                                  const data::BatchOptions& limits,
                                                  std::span<const Candidates> asked) {
  std::vector<std::vector<ReplyFit>> fits;
  for (const auto& one : asked) fits.emplace_back(one.replies.size());
  const auto rows = rows_of(asked);
  if (rows.empty()) return fits;

  const c10::InferenceMode guard;
  const EvalMode eval(model);
  const auto device = device_of(model);
  const auto sums = log_prob_sums(model, memory_of(model, limits, asked, device), rows, device);
  const auto* sum = sums.data_ptr<double>();
  for (const auto& row : rows) {
    const double log_prob = *sum++;
    if (!std::isfinite(log_prob))
      throw base::Error("reply " + std::to_string(row.reply + 1) + " of context " +
                        std::to_string(row.context + 1) +
                        " has no finite log-probability; the checkpoint is damaged or its training "
                        "diverged");
    fits[row.context][row.reply] = {.log_prob = log_prob, .labels = row.labels()};
  }
  return fits;
}

}  // namespace banter::models
