#include <charconv>
#include <cmath>
#include <iostream>
#include <sstream>

#include "base/errors.h"
#include "base/json.h"
#include "base/progress.h"
#include "configs/command_line.h"
#include "data/store/store.h"
#include "models/commands/model_arguments.h"
#include "models/decoding/composed.h"
#include "models/hugging_face/encoder_start.h"
#include "models/registry.h"
#include "train/commands.h"
#include "train/evaluation/reply_rule.h"
#include "train/evaluation/run_store.h"
#include "train/experiment/gradient_flow.h"
#include "train/init_from.h"
#include "train/metrics/statistics/spread.h"
#include "train/metrics/texts/scores.h"
#include "train/recipe.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// From `first` turns of a context to `last`.
struct Turns {
  std::int64_t first = 2, last = 20;
};

/// Reads "2:20". Throws   UsageError
Turns turns_of(const std::string& text) {
  Turns turns;
  const auto colon = text.find(':');
  const auto read = [](std::string_view digits, std::int64_t& value) {
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
    return error == std::errc() && end == digits.end();
  };
  const std::string_view all = text;
  if (colon == std::string::npos || !read(all.substr(0, colon), turns.first) ||
      !read(all.substr(colon + 1), turns.last) || turns.first < 1 || turns.last < turns.first)
    throw base::UsageError("banter gradient-flow: --turns must be FIRST:LAST, as in 2:20");
  return turns;
}

/// What is measured of one state of a model: by number of turns.
struct Flow {
  std::string name;  ///< initial, trained
  std::vector<Spread> by_turns;
};

struct Measured {
  Turns turns;
  std::size_t replies = 0;
  std::vector<Flow> flows;
};

Flow flow_of(std::string name, models::DialogueModel& model, const data::Split& split,
             std::span<const data::Example> examples, const data::BatchOptions& options,
             const Turns& turns, torch::Device device, bool quiet) {
  base::Progress progress({.label = name,
                           .unit = "lengths",
                           .total = static_cast<std::uint64_t>(turns.last - turns.first + 1),
                           .quiet = quiet});
  Flow flow{.name = std::move(name), .by_turns = {}};
  for (auto number = turns.first; number <= turns.last; ++number) {
    flow.by_turns.push_back(
        spread_of(oldest_turn_log_norms(model, split, examples, options, number, device)));
    progress.advance();
  }
  return flow;
}

json::array to_json(const Flow& flow, std::int64_t first) {
  json::array points;
  for (std::size_t i = 0; i < flow.by_turns.size(); ++i) {
    const auto& spread = flow.by_turns[i];
    const auto interval = spread.interval.value_or(Interval{.low = NAN, .high = NAN});
    points.push_back({{"turns", first + static_cast<std::int64_t>(i)},
                      {"value", number_or_null(spread.mean)},
                      {"low", number_or_null(interval.low)},
                      {"high", number_or_null(interval.high)}});
  }
  return points;
}

void print(std::ostream& out, const Measured& measured) {
  std::vector<std::vector<std::string>> table = {{"turns"}};
  for (const auto& flow : measured.flows) table[0].push_back(flow.name);
  for (auto turns = measured.turns.first; turns <= measured.turns.last; ++turns) {
    std::vector<std::string> row = {std::to_string(turns)};
    for (const auto& flow : measured.flows)
      row.push_back(
          fixed(flow.by_turns[static_cast<std::size_t>(turns - measured.turns.first)].mean, 3));
    table.push_back(std::move(row));
  }
  print_table(out, table);
  out << "mean ln of the gradient's norm at the oldest turn, " << measured.replies << " replies\n";
}

}  // namespace

int run_gradient_flow(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter gradient-flow",
      "How far back a reply's loss reaches: the gradient at the oldest turn, by the number of "
      "turns.",
      "banter gradient-flow runs/ubuntu\n"
      "banter gradient-flow runs/ubuntu@last --turns 2:20 --replies 64 --json");
  models::ModelArguments arguments_of_model;
  std::string split_name = "valid", store_folder, turns_text = "2:20";
  std::int64_t replies = 64;
  arguments_of_model.add_to(line.app);
  line.app.add_option("--split", split_name, "part of the store")->capture_default_str();
  line.app.add_option("--store", store_folder, "store, if not the one that the run names");
  line.app.add_option("--turns", turns_text, "FIRST:LAST turns of a context")
      ->capture_default_str();
  line.app.add_option("--replies", replies, "replies, one a dialogue, with so long a context")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  line.with_json();
  if (!line.parse(arguments)) return 0;
  const auto turns = turns_of(turns_text);

  const auto loaded = arguments_of_model.load();
  const auto device = models::device_of(*loaded.model);
  const auto run = models::RunName::parse(arguments_of_model.run).run;
  const auto recipe = Recipe::load(run / "config.yaml");
  const auto store = open_store(store_folder, run, loaded.tokenizer, loaded.checkpoint);
  check_reply_by(loaded.batch.reply_by, store);
  const auto& split = store.split(split_name);
  const auto examples = replies_with_turns(
      split, data::ReplyRule(loaded.batch.reply_by, store.format()), turns.last, replies);
  if (examples.empty())
    throw base::DataError(store.folder().string() + ": split \"" + split_name +
                          "\" has no reply with " + std::to_string(turns.last) +
                          " turns before it; lower the last of --turns");
  auto initial = models::build_model(recipe.config.root().section("model"),
                                     loaded.model->vocabulary(), recipe.train.seed);
  std::string start;  // as the run began
  if (!recipe.train.init_from.empty())
    start = "|initial:" +
            init_from(*initial, loaded.tokenizer, recipe.train.init_from).hash.substr(0, 12);
  if (!recipe.train.init_encoder.empty())
    start =
        "|initial:" + models::start_from_encoder(*initial, loaded.tokenizer,
                                                 recipe.train.init_encoder, "train.init_encoder")
                          .hash.substr(0, 12);
  initial->to(device);

  const auto measure = [&](const char* name, models::DialogueModel& model) {
    return flow_of(name, model, split, examples, loaded.batch, turns, device, line.common.quiet);
  };
  const Measured measured{
      .turns = turns,
      .replies = examples.size(),
      .flows = {measure("initial", *initial), measure("trained", *loaded.model)}};
  if (!line.common.json) {
    print(std::cout, measured);
    return 0;
  }
  json::object answer = {
      {"run", run.string()},
      {"signature", "checkpoint:" + loaded.checkpoint.hash.substr(0, 12) + start +
                        "|data:" + store.corpus_hash().substr(0, 12) + "|split:" + split_name +
                        "|replies:" + std::to_string(measured.replies) +
                        "|loss:mean-of-labels|version:banter-" + BANTER_VERSION},
      {"replies", measured.replies},
      {"step", loaded.checkpoint.step}};
  for (const auto& flow : measured.flows) answer[flow.name] = to_json(flow, turns.first);
  std::cout << base::pretty_json(answer);
  return 0;
}

}  // namespace banter::train
