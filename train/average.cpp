#include "train/average.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "models/checkpoint/checkpoint.h"
#include "train/run_folder.h"
#include "train/steering.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
using base::CheckpointError;

/// What a checkpoint needs beside its weights to be loaded.
constexpr std::array<std::string_view, 4> kCopied = {"config.yaml", "reply_tokenizer.model",
                                                     "tokenizer.json", "tokenizer.model"};

fs::path folder_of(const fs::path& run, std::int64_t step) {
  return run / ("step-" + std::to_string(step));
}

/// Throws   CheckpointError unless `other` has the names, shapes and types of `first`
void expect_alike(const models::NamedTensors& first, const models::NamedTensors& other,
                  const fs::path& checkpoint) {
  const auto fail = [&](const std::string& name, const std::string& why) {
    throw CheckpointError(checkpoint.string() + ": tensor \"" + name + "\" " + why +
                          ", so the checkpoints have no average");
  };
  for (const auto& [name, tensor] : first) {
    const auto found = other.find(name);
    if (found == other.end()) fail(name, "is missing");
    if (found->second.sizes() != tensor.sizes()) fail(name, "has another shape");
    if (found->second.scalar_type() != tensor.scalar_type()) fail(name, "has another type");
    if (!tensor.is_floating_point() && !torch::equal(tensor, found->second))
      fail(name, "has other whole numbers");
  }
  for (const auto& [name, tensor] : other)
    if (!first.contains(name)) fail(name, "is in no other one");
}

/// A metric's value at each validated step, by the log.
std::map<std::int64_t, double> validated(const fs::path& run, const std::string& metric) {
  const auto path = run / "log.jsonl";
  const base::MappedFile file(path);
  std::map<std::int64_t, double> values;
  bool is_known = false;
  auto text = file.text();
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;
       text.remove_prefix(end + 1)) {
    const auto line = base::parse_json(text.substr(0, end), path.string());
    const auto& o = base::as_object(line, path.string());
    if (base::string_field(o, "event", path.string()) != "validation") continue;
    const auto* value = o.if_contains(metric);
    if (value == nullptr || !value->is_number()) continue;
    is_known = true;
    values[base::integer_field(o, "step", path.string())] = value->to_number<double>();
  }
  if (!is_known)
    throw base::UsageError(path.string() + ": no validation has a metric \"" + metric + "\"");
  return values;
}

}  // namespace

models::NamedTensors mean_weights(const std::vector<fs::path>& checkpoints) {
  models::NamedTensors first, sums;
  for (const auto& checkpoint : checkpoints) {
    auto weights = models::read_safetensors(checkpoint / "model.safetensors");
    if (first.empty()) {
      for (const auto& [name, tensor] : weights)
        if (tensor.is_floating_point()) sums[name] = torch::zeros_like(tensor, torch::kDouble);
      first = weights;
    }
    expect_alike(first, weights, checkpoint);
    for (auto& [name, sum] : sums) sum += weights.at(name);
  }
  auto means = std::move(first);
  for (auto& [name, sum] : sums)
    means[name] = (sum / static_cast<double>(checkpoints.size())).to(means.at(name).scalar_type());
  return means;
}

std::vector<std::int64_t> newest_steps(const fs::path& run, std::int64_t count) {
  auto steps = models::checkpoint_steps(run);
  if (static_cast<std::int64_t>(steps.size()) < count)
    throw CheckpointError(run.string() + ": has only " + std::to_string(steps.size()) +
                          " checkpoints of the " + std::to_string(count) +
                          " newest that are asked for; train with a higher train.keep_last");
  steps.erase(steps.begin(), steps.end() - count);
  return steps;
}

std::vector<std::int64_t> best_steps(const fs::path& run, std::int64_t count,
                                     const std::string& metric) {
  if (!is_steering_metric(metric, JudgedOn::kReplies) &&
      !is_steering_metric(metric, JudgedOn::kPairs))
    throw base::UsageError("\"" + base::printable(metric) + "\" is no metric of validations: " +
                           steering_metric_names(JudgedOn::kReplies) + ", and of pairs " +
                           steering_metric_names(JudgedOn::kPairs));
  auto steps = models::checkpoint_steps(run);
  const auto values = validated(run, metric);
  std::erase_if(steps, [&](std::int64_t step) { return !values.contains(step); });
  if (static_cast<std::int64_t>(steps.size()) < count)
    throw CheckpointError(run.string() + ": has only " + std::to_string(steps.size()) +
                          " checkpoints with a " + metric + " of the " + std::to_string(count) +
                          " best that are asked for; train with a higher train.keep_last, and save "
                          "where it validates");
  std::ranges::stable_sort(steps, [&](std::int64_t a, std::int64_t b) {
    return is_better(metric, values.at(a), values.at(b));
  });
  steps.resize(static_cast<std::size_t>(count));
  std::ranges::sort(steps);
  return steps;
}

std::vector<std::int64_t> write_average(const fs::path& run, const AverageChoice& choice,
                                        const fs::path& out) {
  if (fs::exists(out / "log.jsonl"))
    throw base::UsageError(out.string() + ": is a run that was trained; choose another folder");
  constexpr std::int64_t kMostByItself = 5;
  const auto there = static_cast<std::int64_t>(models::checkpoint_steps(run).size());
  const auto count =
      choice.count > 0 ? choice.count : std::clamp<std::int64_t>(there, 1, kMostByItself);
  const auto steps =
      choice.metric.empty() ? newest_steps(run, count) : best_steps(run, count, choice.metric);
  std::vector<fs::path> checkpoints;
  for (const auto step : steps) {
    checkpoints.push_back(folder_of(run, step));
    models::verify_checkpoint(checkpoints.back());
  }
  const auto means = mean_weights(checkpoints);

  const RunFolder folder(out);
  models::CheckpointWriter writer(folder.path(), steps.back());
  models::write_safetensors(writer.folder() / "model.safetensors", means);
  for (const auto name : kCopied)
    if (fs::exists(checkpoints.back() / name))
      fs::copy_file(checkpoints.back() / name, writer.folder() / name);
  base::json::object record{{"run", run.string()},
                            {choice.metric.empty() ? "last" : "best", count}};
  if (!choice.metric.empty()) record["metric"] = choice.metric;
  record["steps"] = base::json::array(steps.begin(), steps.end());
  base::write_durably(writer.folder() / "average.json", base::pretty_json(record));
  writer.publish();
  for (const auto* pointer : {"CURRENT", "LAST"})
    models::point_to(folder.path(), pointer, steps.back());
  if (fs::exists(run / "config.yaml"))
    base::write_durably(out / "config.yaml", base::read_file(run / "config.yaml", 1 << 20));
  for (const auto step : models::checkpoint_steps(folder.path()))
    if (step != steps.back()) models::remove_checkpoint(folder.path(), step);
  return steps;
}

}  // namespace banter::train
