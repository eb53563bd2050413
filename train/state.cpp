#include "train/state.h"

#include <charconv>
#include <system_error>

#include "base/errors.h"
#include "base/json.h"

namespace banter::train {
namespace {

namespace json = base::json;
using base::CheckpointError;

constexpr std::int64_t kVersion = 3;
constexpr std::int64_t kOldest = 2;  // that is read: no plateau yet

/// Shortest text that reads back to the same double. A JSON number would not do: the parser may
/// round its last bit, and then a run that was killed would write other bytes.
std::string exact_text(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(std::begin(text), std::end(text), value);
  return {text, end};
}

double exact_value(std::string_view text, std::string_view where) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw CheckpointError(std::string(where) + ": \"" + std::string(text) + "\" is not a number");
  return value;
}

const json::object& object_field(const json::object& object, std::string_view key,
                                 std::string_view where) {
  const auto* found = base::field(object, key, where).if_object();
  if (found == nullptr)
    throw CheckpointError(std::string(where) + ": \"" + std::string(key) + "\" is not an object");
  return *found;
}

const json::object& member_object(const json::value& value, std::string_view where) {
  if (const auto* object = value.if_object()) return *object;
  throw CheckpointError(std::string(where) + ": expected an object");
}

/// A count that cannot be negative.
std::int64_t count_field(const json::object& object, std::string_view key, std::string_view where) {
  const auto value = base::integer_field(object, key, where);
  if (value < 0)
    throw CheckpointError(std::string(where) + ": \"" + std::string(key) + "\" is negative");
  return value;
}

std::uint64_t place_field(const json::object& object, std::string_view key,
                          std::string_view where) {
  return static_cast<std::uint64_t>(count_field(object, key, where));
}

data::Position read_position(const json::object& at, std::string_view where) {
  return {place_field(at, "epoch", where), place_field(at, "window", where),
          place_field(at, "batch", where)};
}

json::object to_object(const data::Position& at) {
  return {{"epoch", at.epoch}, {"window", at.window}, {"batch", at.batch}};
}

Plateau read_plateau(const json::object& o, std::string_view where) {
  Plateau seen;
  if (o.contains("best")) seen.best = exact_value(base::string_field(o, "best", where), where);
  seen.bad = count_field(o, "bad", where);
  seen.factor = exact_value(base::string_field(o, "factor", where), where);
  if (!(seen.factor > 0 && seen.factor <= 1))
    throw CheckpointError(std::string(where) + ": \"factor\" is not in (0, 1]");
  return seen;
}

json::object to_object(const Plateau& seen) {
  json::object o{{"bad", seen.bad}, {"factor", exact_text(seen.factor)}};
  if (seen.best) o["best"] = exact_text(*seen.best);
  return o;
}

FallBack read_fall_back(const json::object& o, std::string_view where) {
  FallBack seen;
  seen.count = count_field(o, "count", where);
  seen.factor = exact_value(base::string_field(o, "factor", where), where);
  if (!(seen.factor > 0 && seen.factor <= 1))
    throw CheckpointError(std::string(where) + ": \"factor\" is not in (0, 1]");
  seen.good = count_field(o, "good", where);
  seen.last = count_field(o, "last", where);
  seen.loss = exact_value(base::string_field(o, "loss", where), where);
  seen.losses = count_field(o, "losses", where);
  seen.high_in_a_row = count_field(o, "high_in_a_row", where);
  return seen;
}

json::object to_object(const FallBack& seen) {
  return {{"count", seen.count},
          {"factor", exact_text(seen.factor)},
          {"good", seen.good},
          {"last", seen.last},
          {"loss", exact_text(seen.loss)},
          {"losses", seen.losses},
          {"high_in_a_row", seen.high_in_a_row}};
}

TrainState read_state(const json::object& o, std::string_view where) {
  const auto version = base::integer_field(o, "version", where);
  if (version < kOldest || version > kVersion)
    throw CheckpointError(std::string(where) + ": is of version " + std::to_string(version) +
                          ", and those from " + std::to_string(kOldest) + " to " +
                          std::to_string(kVersion) + " can be read");
  TrainState s;
  s.step = count_field(o, "step", where);
  const auto& position = object_field(o, "position", where);
  s.position.batches = place_field(position, "batches", where);
  for (const auto& value : base::array_field(position, "splits", where)) {
    s.position.splits.push_back(read_position(member_object(value, where), where));
  }
  if (o.contains("pairs")) s.pairs = read_position(object_field(o, "pairs", where), where);
  s.labels = count_field(o, "labels", where);
  s.skipped_steps = count_field(o, "skipped_steps", where);
  s.bad_in_a_row = count_field(o, "bad_in_a_row", where);
  s.validated_step = count_field(o, "validated_step", where);
  s.validated_epochs = place_field(o, "validated_epochs", where);
  s.validations_since_best = count_field(o, "validations_since_best", where);
  if (o.contains("others_since_best")) {
    const auto& others = object_field(o, "others_since_best", where);
    for (const auto& [metric, unused] : others)
      s.others_since_best[metric] = count_field(others, metric, where);
  }
  for (const auto& [metric, value] : object_field(o, "best", where)) {
    const auto& best = member_object(value, where);
    s.best[metric] = {exact_value(base::string_field(best, "value", where), where),
                      count_field(best, "step", where)};
  }
  if (o.contains("plateau")) s.plateau = read_plateau(object_field(o, "plateau", where), where);
  if (o.contains("fall_back"))
    s.fall_back = read_fall_back(object_field(o, "fall_back", where), where);
  for (const auto& [loss, value] : object_field(o, "since_log", where)) {
    const auto& sum = member_object(value, where);
    s.since_log[loss] = {exact_value(base::string_field(sum, "sum", where), where),
                         count_field(sum, "count", where)};
  }
  const auto& updates = object_field(o, "updates", where);
  for (const auto& [range, unused] : updates) s.updates[range] = count_field(updates, range, where);
  s.threads = static_cast<int>(count_field(o, "threads", where));
  s.store = base::string_field(o, "store", where);
  s.tokenizer = base::string_field(o, "tokenizer", where);
  return s;
}

}  // namespace

std::string TrainState::to_json() const {
  json::object bests, losses, ranges;
  json::array splits;
  for (const auto& at : position.splits) splits.push_back(to_object(at));
  for (const auto& [metric, b] : best)
    bests[metric] = {{"value", exact_text(b.value)}, {"step", b.step}};
  for (const auto& [loss, l] : since_log)
    losses[loss] = {{"sum", exact_text(l.sum)}, {"count", l.count}};
  for (const auto& [range, count] : updates) ranges[range] = count;
  json::object state = {
      {"version", kVersion},
      {"step", step},
      {"position", {{"batches", position.batches}, {"splits", std::move(splits)}}},
      {"labels", labels},
      {"skipped_steps", skipped_steps},
      {"bad_in_a_row", bad_in_a_row},
      {"validated_step", validated_step},
      {"validated_epochs", validated_epochs},
      {"validations_since_best", validations_since_best},
      {"best", std::move(bests)},
      {"since_log", std::move(losses)},
      {"updates", std::move(ranges)},
      {"threads", threads},
      {"store", store},
      {"tokenizer", tokenizer},
  };
  if (pairs) state["pairs"] = to_object(*pairs);
  if (!others_since_best.empty()) {
    json::object others;
    for (const auto& [metric, count] : others_since_best) others[metric] = count;
    state["others_since_best"] = std::move(others);
  }
  if (plateau) state["plateau"] = to_object(*plateau);
  if (fall_back) state["fall_back"] = to_object(*fall_back);
  return base::pretty_json(state);
}

TrainState TrainState::from_json(std::string_view text, std::string_view where) {
  try {
    const auto value = base::parse_json(text, where, 4);
    return read_state(member_object(value, where), where);
  } catch (const base::DataError& error) {
    throw CheckpointError(error.what());
  }
}

}  // namespace banter::train
