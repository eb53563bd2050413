#include "train/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "train/curve.h"
#include "train/schedule.h"

namespace banter::train {
namespace {

namespace json = base::json;

std::string rounded(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

json::array listed(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

/// How many parameters a start copied, and which it did not.
std::string shares(const std::vector<std::string>& copied, const std::vector<std::string>& fresh) {
  std::string names;
  for (const auto& name : fresh) names += " " + name;
  return std::to_string(copied.size()) +
         " parameters copied; start by themselves:" + (names.empty() ? " none" : names);
}

/// What a curve is drawn of: the loss of the replies' labels, or the first by name.
std::pair<std::string, double> main_loss(const std::map<std::string, double>& losses) {
  const auto nll = losses.find("nll");
  return nll != losses.end() ? *nll : *losses.begin();
}

base::Progress::Options progress_options(const TrainOptions& options, std::int64_t done,
                                         bool quiet) {
  return {.label = "train",
          .unit = "steps",
          .total = static_cast<std::uint64_t>(options.steps),
          .quiet = quiet,
          .done = static_cast<std::uint64_t>(done)};
}

}  // namespace

Report::Report(const RunFolder& folder, const TrainOptions& options, const TrainState& state,
               double share, bool quiet)
    : options_(options),
      quiet_(quiet),
      labels_at_start_(state.labels),
      share_at_start_(share),
      folder_(folder.path()),
      progress_(progress_options(options, state.step, quiet)) {
  open(state.step);
}

/// Goes on behind a step: lines and events of later ones count no longer.
void Report::open(std::int64_t step) {
  log_ = std::make_unique<RunLog>(folder_ / "log.jsonl", step);
  if (options_.tensorboard) events_.emplace(folder_ / "events", step);
}

void Report::write(const json::object& line) {
  log_->write(line);
  if (!events_) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  events_->add(line, std::chrono::duration<double>(now).count());
}

double Report::minutes() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() / 60;
}

void Report::warn(const TrainState& state, const std::string& text) {
  write({{"event", "warning"}, {"step", state.step}, {"text", text}});
  progress_.say("warning: " + text);
}

void Report::started(const TrainState& state, const std::string& device, int processes,
                     std::int64_t parameters, const Amounts& learned_from) {
  json::object line{{"event", "start"}, {"step", state.step},       {"version", BANTER_VERSION},
                    {"device", device}, {"threads", state.threads}, {"parameters", parameters}};
  if (processes > 1) line["processes"] = processes;
  if (share_at_start_ > 0) line["share"] = share_at_start_;
  for (const auto& [what, count] : learned_from) line[what] = count;
  write(line);
}

void Report::sized(const TrainState& state, const BatchSize& size) {
  write({{"event", "batch_size"},
         {"step", state.step},
         {"tokens_per_batch", size.tokens},
         {"bytes", size.bytes},
         {"budget", size.budget},
         {"why", size.why}});
  if (quiet_) return;
  const auto gigabytes = [](std::int64_t bytes) {
    return rounded(static_cast<double>(bytes) / (1 << 30), "%.2f") + " GiB";
  };
  progress_.say("tokens_per_batch: " + std::to_string(size.tokens) + ", whose step takes " +
                gigabytes(size.bytes) + " of " + gigabytes(size.budget) +
                "; not more: " + size.why);
}

void Report::initialised(const TrainState& state, const Initialised& from) {
  write({{"event", "init_from"},
         {"step", state.step},
         {"checkpoint", from.checkpoint},
         {"hash", from.hash},
         {"copied", listed(from.copied)},
         {"fresh", listed(from.fresh)}});
  if (!quiet_)
    progress_.say("init_from " + from.checkpoint + ": " + shares(from.copied, from.fresh));
}

void Report::initialised(const TrainState& state, const models::EncoderStart& start) {
  write({{"event", "init_encoder"},
         {"step", state.step},
         {"place", start.place},
         {"hash", start.hash},
         {"model_type", start.model_type},
         {"vocabulary", start.vocabulary},
         {"pieces", start.pieces},
         {"copied_pieces", start.copied_pieces},
         {"copied", listed(start.copied)},
         {"fresh", listed(start.fresh)},
         {"notes", listed(start.notes)}});
  for (const auto& warning : start.warnings) warn(state, warning);
  if (quiet_) return;
  progress_.say("init_encoder " + start.place + ": " + shares(start.copied, start.fresh));
  if (!start.vocabulary.empty())
    progress_.say(
        "init_encoder: vectors of " + std::to_string(start.copied_pieces) + " of " +
        std::to_string(start.pieces) + " pieces (" +
        rounded(100 * static_cast<double>(start.copied_pieces) / static_cast<double>(start.pieces),
                "%.1f") +
        " %) copied by " + start.vocabulary);
  for (const auto& note : start.notes) progress_.say("init_encoder: " + note);
}

double Report::labels_per_second(const TrainState& state) const {
  return static_cast<double>(state.labels - labels_at_start_) / std::max(60 * minutes(), 1e-9);
}

void Report::stepped(TrainState& state, double grad_norm, double share) {
  for (const auto& [name, loss] : state.since_log)
    if (loss.count > 0) mean_loss_[name] = loss.sum / static_cast<double>(loss.count);

  if (state.step % options_.log_every == 0) {
    json::object line{{"event", "step"},
                      {"step", state.step},
                      {"epoch", state.epoch()},
                      {"labels", state.labels}};
    for (const auto& [name, loss] : state.since_log)
      if (loss.count > 0) line[name] = loss.sum / static_cast<double>(loss.count);
    line["lr"] = learning_rate(options_, state.step, state);
    if (std::isfinite(grad_norm)) line["grad_norm"] = grad_norm;
    line["skipped_steps"] = state.skipped_steps;
    if (share > 0) line["share"] = share;
    line["seconds"] = 60 * minutes();
    line["labels_per_second"] = labels_per_second(state);
    write(line);
    state.since_log.clear();
    if (!mean_loss_.empty()) curve_.push_back(main_loss(mean_loss_).second);
  }
  progress_.update(static_cast<std::uint64_t>(state.step), note(state, share));
}

std::string Report::note(const TrainState& state, double share) const {
  std::string text = "epoch " + std::to_string(state.epoch());
  for (const auto& [name, value] : mean_loss_) text += " " + name + " " + rounded(value, "%.4f");
  text += " lr " + rounded(learning_rate(options_, state.step, state), "%.3g") + " " +
          rounded(labels_per_second(state), "%.0f") + " labels/s";
  const auto gained = share - share_at_start_;
  const bool has_other_limit = options_.steps == 0 || options_.epochs > 0 || options_.minutes > 0;
  if (has_other_limit && gained > 0) {  // the bar knows the time left of steps alone
    const std::chrono::duration<double> left{60 * minutes() * std::max(1 - share, 0.0) / gained};
    text += " " + base::duration_text(left) + " left";
  }
  return text;
}

void Report::draw_curve(const TrainState& state) {
  if (!progress_.is_drawn() || curve_.size() == points_drawn_) return;
  points_drawn_ = curve_.size();
  constexpr std::size_t kWidth = 40;
  progress_.say(main_loss(mean_loss_).first + " " + rounded(curve_.front(), "%.4g") + " " +
                curve(curve_, kWidth, /*ascii=*/!is_utf8_locale()) + " " +
                rounded(curve_.back(), "%.4g") + ", lr " +
                rounded(learning_rate(options_, state.step, state), "%.3g") + ", " +
                rounded(labels_per_second(state), "%.0f") + " labels/s");
}

void Report::tell_samples(const TrainState& state, const Judgement& judgement) {
  if (!judgement.no_samples.empty()) {
    warn(state, "no samples: " + judgement.no_samples);
    return;
  }
  if (judgement.samples.empty()) return;
  write({{"event", "samples"}, {"step", state.step}, {"samples", judgement.samples}});
  if (quiet_) return;
  constexpr std::size_t kMostBytes = 60;
  const auto shown = [](const json::value& text) {
    const std::string_view said(text.as_string());
    return said.empty() ? "(nothing)" : base::printable(said, kMostBytes);
  };
  for (const auto& one : judgement.samples) {
    const auto& sample = one.as_object();
    const auto& turns = sample.at("turns").as_array();
    const auto last = turns.empty() ? "" : shown(turns.back().as_object().at("text"));
    progress_.say("  " + last + " -> " + shown(sample.at("reply")) +
                  " (corpus: " + shown(sample.at("reference")) + ")");
  }
}

void Report::validated(const TrainState& state, const Judgement& judgement, bool is_best,
                       std::chrono::duration<double> took) {
  json::object line{{"event", "validation"}, {"step", state.step}, {"epoch", state.epoch()}};
  auto told = "step " + std::to_string(state.step) + ": valid";
  for (const auto& [name, value] : judgement.metrics) {
    if (std::isfinite(value)) line[name] = value;
    told += " " + name + " " + rounded(value, "%.4g");
  }
  line["best"] = is_best;
  line[judgement.unit] = judgement.count;
  line["seconds"] = took.count();
  write(line);
  if (is_best) told += " (best)";
  if (!quiet_) progress_.say(told);
  tell_samples(state, judgement);
  draw_curve(state);
}

void Report::fell_back(const TrainState& from, const TrainState& to, const std::string& why) {
  labels_at_start_ += to.labels - from.labels;
  mean_loss_.clear();
  open(to.step);
  const auto factor = to.fall_back ? to.fall_back->factor : 1.0;
  write({{"event", "fall_back"},
         {"step", to.step + 1},  // the first that is made anew
         {"to", to.step},
         {"from", from.step},
         {"lr_factor", factor},
         {"why", why}});
  progress_.say("step " + std::to_string(from.step) + ": " + why + "; back to step " +
                std::to_string(to.step) + " with the rate times " + rounded(factor, "%.4g"));
}

void Report::stopped(const TrainState& state, const std::string& why, const Ranks& ranks) {
  progress_.finish();
  draw_curve(state);
  json::object line{{"event", "stop"}, {"step", state.step}, {"why", why}};
  if (const auto& cost = ranks.cost; cost.sums > 0) {
    line["seconds"] = 60 * minutes();
    line["sums"] = {{"by", cost.by},
                    {"count", cost.sums},
                    {"bytes", cost.bytes},
                    {"seconds", cost.seconds},
                    {"waited", cost.waited}};
  }
  write(line);
}

}  // namespace banter::train
