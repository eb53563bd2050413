#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torch/types.h>
#include <torch/utils.h>

#include "base/errors.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "models/commands.h"
#include "models/commands/given_context.h"
#include "models/commands/line_source.h"
#include "models/commands/model_arguments.h"
#include "models/commands/reply_json.h"
#include "models/decoding/composed.h"

namespace banter::models {
namespace {

namespace json = base::json;

/// A number of a (B,S) or (B,S,U) tensor with the digits of its own precision.
json::value number_at(const torch::Tensor& scalar) {
  if (scalar.scalar_type() == torch::kDouble) return scalar.item<double>();
  return short_number(scalar.item<float>());
}

/// Scores contexts with replies, a batch at a time; answers come in the order they were added.
class Scorer {
 public:
  Scorer(LoadedModel& loaded, bool with_attention)
      : loaded_(loaded), device_(device_of(*loaded.model)), with_attention_(with_attention) {}

  void add(std::string_view line, const std::string& where) {
    auto given = parse_context(line, where, /*needs_reply=*/true);
    contexts_.push_back(to_ids(given, loaded_, where));
    given_.push_back(std::move(given));
  }
  [[nodiscard]] std::size_t waiting() const { return given_.size(); }

  /// The answers to all that were added since the last call, a line each.
  std::string score() {
    if (given_.empty()) return {};
    const auto given = std::exchange(given_, {});
    const auto contexts = std::exchange(contexts_, {});
    const c10::InferenceMode guard;
    const auto batch = data::make_batch(contexts, loaded_.batch, loaded_.tokenizer.special());
    auto score = loaded_.model->score(batch.to(device_), with_attention_);
    score.log_probs = score.log_probs.cpu();
    for (auto& attention : score.attention) attention.weights = attention.weights.cpu();

    std::vector<std::string> answers(given.size());
    for (std::int64_t b = 0; b < batch.replies(); ++b) {
      const auto which = batch.examples[static_cast<std::size_t>(b)].dialogue;
      answers[which] = answer(batch, b, score, given[which], first_number_ + which);
    }
    first_number_ += given.size();
    std::string all;
    for (const auto& one : answers) all += one + "\n";
    return all;
  }

 private:
  std::string answer(const data::Batch& batch, std::int64_t b, const Score& score,
                     const GivenContext& given, std::uint64_t number) {
    const auto labels = batch.labels[b];
    json::array pieces, ids, log_probs;
    double sum = 0;
    std::int64_t S = 0;
    for (; S < labels.size(0) && labels[S].item<std::int64_t>() >= 0; ++S) {
      const auto id = labels[S].item<std::int64_t>();
      pieces.emplace_back(loaded_.tokenizer.piece(id));
      ids.emplace_back(id);
      if (!std::isfinite(score.log_probs[b][S].item<double>()))
        throw base::Error("reply " + std::to_string(number) + ": token " + std::to_string(S + 1) +
                          " has no finite log-probability; the checkpoint is damaged or its "
                          "training diverged");
      log_probs.push_back(number_at(score.log_probs[b][S]));
      sum += score.log_probs[b][S].item<double>();
    }
    json::object object;
    object["number"] = number;
    if (!given.id.is_null()) object["id"] = given.id;
    object["pieces"] = std::move(pieces);
    object["ids"] = std::move(ids);
    object["log_probs"] = std::move(log_probs);
    object["sum"] = sum;
    if (with_attention_) add_attention(object, batch, b, S, score, given);
    return json::serialize(object);
  }

  static void add_attention(json::object& object, const data::Batch& batch, std::int64_t b,
                            std::int64_t S, const Score& score, const GivenContext& given) {
    const auto sources = sources_of(batch, b);
    json::object attention;
    for (const auto& kind : score.attention) {
      json::array rows;
      for (std::int64_t s = 0; s < S; ++s) {
        json::array row;
        for (const auto column : sources.columns)
          row.push_back(number_at(kind.weights[b][s][column]));
        rows.push_back(std::move(row));
      }
      attention[kind.name] = std::move(rows);
    }
    object["attention"] = std::move(attention);
    object["sources"] =
        sources_json(sources.facts, sources.turns, static_cast<std::int64_t>(given.turns.size()));
  }

  LoadedModel& loaded_;
  torch::Device device_;
  bool with_attention_;
  std::vector<GivenContext> given_;
  std::vector<data::Context> contexts_;  ///< their ids
  std::uint64_t first_number_ = 1;
};

}  // namespace

int run_score(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter score",
      "The log-probability of given replies, token by token, as JSON Lines.\n"
      "A line of FILE is {\"turns\": [...], \"reply\": \"...\"}, as for banter generate. All of a "
      "reply\n"
      "is scored; how replies are chosen, a line's \"prefix\" and \"seed\" play no part.",
      "banter score runs/chat replies.jsonl\n"
      "banter score runs/chat replies.jsonl --double --attention");
  ModelArguments model;
  model.add_to(line.app);
  model.add_ensemble_to(line.app);
  std::string file;
  std::int64_t at_once = 32;
  bool is_double = false, with_attention = false;
  line.app.add_option("file", file, "contexts with replies, one a line; - is standard input")
      ->required();
  line.app.add_option("--batch", at_once, "replies that are scored together")
      ->check(CLI::Range(std::int64_t{1}, kMostRows));
  line.app.add_flag("--double", is_double, "compute in float64");
  line.app.add_flag("--attention", with_attention, "what each token looked at");
  if (!line.parse(arguments)) return 0;

  LineSource lines(file);
  auto loaded = model.load(is_double ? torch::kFloat64 : torch::kFloat32);
  Scorer scorer(loaded, with_attention);
  base::Progress progress({.label = "score", .unit = "replies", .quiet = line.common.quiet});
  const auto flush = [&] {
    const auto count = scorer.waiting();
    print(scorer.score());
    progress.advance(count);
  };
  for (;;) {
    base::throw_if_stopped();
    try {
      const auto text = lines.next();
      if (!text) break;
      if (!base::is_blank(*text)) scorer.add(*text, lines.where());
    } catch (const base::Stopped&) {
      throw;
    } catch (const base::Error&) {  // the good lines before it are answered
      flush();
      throw;
    }
    if (static_cast<std::int64_t>(scorer.waiting()) == at_once) flush();
  }
  flush();
  return 0;
}

}  // namespace banter::models
