#include "models/decoding/session.h"

#include <algorithm>
#include <set>
#include <utility>

#include "models/decoding/eval_mode.h"

namespace banter::models {
namespace {

/// The rows of a batch that are listed, rising, as a batch of turns alone; padding no longer needed
/// goes.
data::Batch turns_of(const data::Batch& batch, const std::vector<std::int64_t>& rows) {
  const auto index = torch::tensor(rows, torch::kLong);
  data::Batch part;
  part.turn_keep = batch.turn_keep.index_select(0, index);
  const auto T = part.turn_keep.sum(1).max().item<std::int64_t>();
  part.turn_keep = part.turn_keep.narrow(1, 0, T).contiguous();
  part.turn_ids = batch.turn_ids.index_select(0, index).narrow(1, 0, T).contiguous();
  part.turn_speaker = batch.turn_speaker.index_select(0, index);
  part.turn_kind = batch.turn_kind.index_select(0, index);
  const auto none = torch::empty({0, 0}, torch::kLong);
  part.context = part.facts = part.decoder_input = part.labels = none;
  part.reply_turn = part.reply_speaker = torch::empty({0}, torch::kLong);
  return part;
}

torch::Tensor row_of(const std::deque<std::int64_t>& places) {
  return torch::tensor(std::vector<std::int64_t>(places.begin(), places.end()), torch::kLong)
      .unsqueeze(0);
}

/// The places of rows, by those of equal rows among `known`; -1 for the others.
template <typename Known>
std::deque<std::int64_t> places_of(const std::vector<data::Context::Row>& rows, const Known& known,
                                   const std::deque<std::int64_t>& known_places) {
  std::deque<std::int64_t> places;
  for (const auto& row : rows) {
    std::int64_t place = -1;
    for (std::size_t i = 0; place < 0 && i < known.size(); ++i)
      if (known[i].speaker == row.speaker && known[i].ids == row.ids) place = known_places[i];
    places.push_back(place);
  }
  return places;
}

}  // namespace

ChatSession::ChatSession(DialogueModel& model, const data::BatchOptions& limits)
    : model_(model), limits_(limits) {}

void ChatSession::set_facts(std::vector<data::Context::Row> facts) {
  fact_places_ = places_of(facts, facts_, fact_places_);
  facts_ = std::move(facts);
}

void ChatSession::set_turns(const std::vector<data::Context::Row>& turns) {
  turn_places_ = places_of(turns, turns_, turn_places_);
  turns_.assign(turns.begin(), turns.end());
}

void ChatSession::add_turn(data::Context::Row turn) {
  turns_.push_back(std::move(turn));
  turn_places_.push_back(-1);
}

void ChatSession::take_back_turn() {
  turns_.pop_back();
  turn_places_.pop_back();
}

void ChatSession::reset() {
  turns_.clear();
  turn_places_.clear();
}

/// What the next reply reads, encoded; `composed` has its sources.
data::Batch ChatSession::read(std::int64_t reply_speaker, Composed& composed) {
  const data::Context context{.turns = {turns_.begin(), turns_.end()},
                              .facts = facts_,
                              .reply_speaker = reply_speaker,
                              .reply = {}};
  auto batch = data::make_batch({context}, limits_, model_.vocabulary().special);
  composed = sources_of(batch, 0);
  keep_only(static_cast<std::size_t>(composed.facts), static_cast<std::size_t>(composed.turns));
  encode_new(batch);
  read_tokens_ = batch.turn_keep.sum().item<std::int64_t>();
  return batch;
}

Composed ChatSession::compose(std::int64_t reply_speaker, bool with_tokens) {
  const c10::InferenceMode guard;
  const EvalMode eval(model_);
  Composed composed;
  const auto batch = read(reply_speaker, composed);
  if (with_tokens) composed.tokens = tokens_of(model_, batch, 0, composed);
  const auto device = device_of(model_);
  const auto facts = Places(fact_places_.begin(), fact_places_.begin() + composed.facts);
  composed.memory = model_.compose_next(kept_, row_of(turn_places_).to(device),
                                        row_of(facts).to(device), batch.reply_speaker.to(device));
  return composed;
}

void ChatSession::encode() {
  const c10::InferenceMode guard;
  const EvalMode eval(model_);
  Composed composed;
  (void)read(0, composed);
}

Composed ChatSession::compose_nothing(std::int64_t reply_speaker) {
  const c10::InferenceMode guard;
  const EvalMode eval(model_);
  // An empty turn, which the reply does not read.
  const data::Context unread{
      .turns = {{}}, .facts = {}, .reply_speaker = reply_speaker, .reply = {}};
  const auto batch =
      data::make_batch({unread}, limits_, model_.vocabulary().special).to(device_of(model_));
  Composed composed;
  composed.memory = model_.compose(model_.encode_turns(batch), torch::full_like(batch.context, -1),
                                   batch.facts, batch.reply_speaker);
  return composed;
}

std::int64_t ChatSession::bytes() const {
  std::int64_t bytes = 0;
  for (const auto& part : kept_.parts) bytes += static_cast<std::int64_t>(part.nbytes());
  return bytes;
}

/// Forgets turns older than the last `turns`, and rows that neither they nor the first `facts`
/// facts need.
void ChatSession::keep_only(std::size_t facts, std::size_t turns) {
  const auto old = static_cast<std::ptrdiff_t>(turns_.size() - turns);
  turns_.erase(turns_.begin(), turns_.begin() + old);
  turn_places_.erase(turn_places_.begin(), turn_places_.begin() + old);
  for (std::size_t f = facts; f < fact_places_.size(); ++f) fact_places_[f] = -1;

  std::set<std::int64_t> used;
  for (const auto* places : {&fact_places_, &turn_places_})
    for (const auto place : *places)
      if (place >= 0) used.insert(place);
  if (static_cast<std::int64_t>(used.size()) == kept_.size()) return;
  if (used.empty()) {
    kept_ = {};
    return;
  }
  const std::vector<std::int64_t> rows(used.begin(), used.end());
  kept_ = {kept_.select(torch::tensor(rows, torch::kLong).to(device_of(model_)))};
  for (auto* places : {&fact_places_, &turn_places_})
    for (auto& place : *places)
      if (place >= 0) place = std::ranges::lower_bound(rows, place) - rows.begin();
}

/// Encodes the turns and facts of the batch that have no row yet.
void ChatSession::encode_new(const data::Batch& batch) {
  const auto facts = batch.facts[0], turns = batch.context[0];
  std::set<std::int64_t> missing;
  const auto each = [&](const torch::Tensor& rows, Places& places, auto&& use) {
    for (std::int64_t i = 0; i < rows.size(0); ++i)
      use(rows[i].item<std::int64_t>(), places[static_cast<std::size_t>(i)]);
  };
  const auto note = [&](std::int64_t row, std::int64_t& place) {
    if (place < 0) missing.insert(row);
  };
  each(facts, fact_places_, note);
  each(turns, turn_places_, note);
  if (missing.empty()) return;

  const std::vector<std::int64_t> rows(missing.begin(), missing.end());
  const auto first = kept_.size();
  const auto part = turns_of(batch, rows);
  kept_ = {Rows::join(kept_, model_.encode_turns(part.to(device_of(model_))))};
  encoded_rows_ += std::ssize(rows);
  encoded_tokens_ += part.turn_keep.sum().item<std::int64_t>();
  const auto set_place = [&](std::int64_t row, std::int64_t& place) {
    if (place < 0) place = first + (std::ranges::lower_bound(rows, row) - rows.begin());
  };
  each(facts, fact_places_, set_place);
  each(turns, turn_places_, set_place);
}

}  // namespace banter::models
