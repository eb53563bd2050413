#include "train/experiment/gradient_flow.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/errors.h"
#include "base/signals.h"
#include "models/decoding/eval_mode.h"

namespace banter::train {
namespace {

constexpr const char* kTable = "embedding.token.weight";
constexpr std::size_t kRepliesAtOnce = 16;
constexpr std::int64_t kNoLimit = std::int64_t{1} << 40;

/// A model's table of token vectors with further rows behind it, for as long as this lives.
///
/// Tokens that are looked up in rows of their own, copies of theirs, have gradients of their own:
/// those of the same words elsewhere go to the rows that all share.
class LongerTable {
 public:
  /// Shapes   ids (N) int64: row V + n becomes a copy of row ids[n]
  LongerTable(torch::Tensor table, const torch::Tensor& ids)
      : table_(std::move(table)), before_(table_.detach()) {
    table_.set_data(torch::cat({before_, before_.index_select(0, ids)}));
  }
  ~LongerTable() { table_.set_data(before_); }
  LongerTable(const LongerTable&) = delete;
  LongerTable& operator=(const LongerTable&) = delete;

 private:
  torch::Tensor table_, before_;
};

torch::Tensor table_of(models::DialogueModel& model) {
  const auto parameters = model.named_parameters();
  const auto* table = parameters.find(kTable);
  if (table == nullptr || table->size(0) != model.vocabulary().size)
    throw base::ConfigError(std::string("gradient-flow: the model has no table ") + kTable);
  return *table;
}

/// Whether the output layer reads the table too: its rows are then no longer those of labels only.
bool is_tied(const models::DialogueModel& model) {
  for (const auto& parameter : model.named_parameters())
    if (parameter.key() != kTable && parameter.key().starts_with("output.") &&
        parameter.value().dim() == 2 && parameter.value().size(0) == model.vocabulary().size)
      return false;
  return true;
}

/// Which tokens of a batch belong to the oldest turn of each reply.
struct OldestTurns {
  torch::Tensor places;   ///< (N,2) int64: row and column in turn_ids
  torch::Tensor replies;  ///< (N) int64: of which reply
};

OldestTurns oldest_turns(const data::Batch& batch) {
  const auto rows = batch.context.select(1, 0);  // (B): oldest first
  std::vector<torch::Tensor> places, replies;
  for (std::int64_t b = 0; b < rows.size(0); ++b) {
    const auto row = rows[b].item<std::int64_t>();
    const auto columns = batch.turn_keep[row].nonzero();  // (T',1)
    places.push_back(torch::cat({torch::full_like(columns, row), columns}, 1));
    replies.push_back(torch::full({columns.size(0)}, b, torch::kLong));
  }
  return {.places = torch::cat(places), .replies = torch::cat(replies)};
}

/// The nats of all labels; at a reply's own turns its gradient is that of the reply alone.
torch::Tensor nll_of(models::DialogueModel& model, const data::Batch& batch) {
  torch::Tensor sum;
  for (const auto& loss : model.losses(batch))
    if (loss.name == "nll") sum = loss.sum;
  if (!sum.defined()) throw base::ConfigError("gradient-flow: the model has no loss named nll");
  return sum;
}

/// Of the replies of one batch, in its order.
std::vector<double> log_norms(models::DialogueModel& model, data::Batch batch,
                              torch::Device device) {
  const auto V = model.vocabulary().size;
  const auto oldest = oldest_turns(batch);
  const auto rows = oldest.places.select(1, 0), columns = oldest.places.select(1, 1);
  const auto ids = batch.turn_ids.index({rows, columns});
  batch.turn_ids = batch.turn_ids.clone();
  batch.turn_ids.index_put_({rows, columns}, torch::arange(V, V + ids.size(0)));

  auto table = table_of(model);
  const LongerTable longer(table, ids.to(device));
  const auto loss = nll_of(model, batch.to(device));
  const auto gradient = torch::autograd::grad({loss}, {table}).at(0).narrow(0, V, ids.size(0));
  const auto squares = gradient.to(torch::kCPU, torch::kDouble).square().sum(1);  // (N)
  const auto labels = batch.labels.ne(-100).sum(1).to(torch::kDouble);            // (B)
  const auto norms =
      torch::zeros({batch.replies()}, torch::kDouble).index_add(0, oldest.replies, squares).sqrt() /
      labels;
  const auto logs = norms.log().contiguous();
  return {logs.data_ptr<double>(), logs.data_ptr<double>() + logs.numel()};
}

}  // namespace

std::vector<data::Example> replies_with_turns(const data::Split& split, const data::ReplyRule& rule,
                                              std::int64_t turns, std::int64_t count) {
  std::vector<data::Example> examples;
  for (std::uint64_t d = 0; d < split.dialogues(); ++d) {
    if (static_cast<std::int64_t>(examples.size()) == count) break;
    const auto view = split.dialogue(d);
    if (static_cast<std::int64_t>(view.turns) <= turns) continue;
    const auto turn = rule.next(split, view, static_cast<std::uint32_t>(turns));
    if (turn < view.turns) examples.push_back({.dialogue = d, .turn = turn});
  }
  return examples;
}

std::vector<double> oldest_turn_log_norms(models::DialogueModel& model, const data::Split& split,
                                          std::span<const data::Example> examples,
                                          const data::BatchOptions& options, std::int64_t turns,
                                          torch::Device device) {
  if (is_tied(model))
    throw base::ConfigError(
        "gradient-flow: model.tied must be false, since the output layer would "
        "read the rows that are put behind the table");
  const models::EvalMode eval(model);
  auto limits = options;
  limits.max_context_turns = turns;
  limits.max_context_tokens = kNoLimit;
  std::vector<double> all(examples.size());
  for (std::size_t begin = 0; begin < examples.size(); begin += kRepliesAtOnce) {
    base::throw_if_stopped();
    const auto part = examples.subspan(begin, std::min(kRepliesAtOnce, examples.size() - begin));
    const auto batch = data::make_batch(split, part, limits, model.vocabulary().special,
                                        data::ReplyLength::kWhole);
    const auto norms = log_norms(model, batch, device);
    for (std::size_t b = 0; b < norms.size(); ++b) {
      const auto place = std::ranges::find(part, batch.examples[b]) - part.begin();
      all[begin + static_cast<std::size_t>(place)] = norms[b];
    }
  }
  return all;
}

}  // namespace banter::train
