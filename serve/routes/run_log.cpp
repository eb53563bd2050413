#include "serve/routes/run_log.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "base/errors.h"
#include "base/json.h"

namespace banter::serve {
namespace {

namespace json = base::json;

/// Numbers that are no curve but say where a point stands.
constexpr std::array<std::string_view, 4> kPlaces = {"step", "epoch", "seconds", "share"};

double number_of(const json::object& object, std::string_view field) {
  const auto* value = object.if_contains(field);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

}  // namespace

std::uint64_t RunLog::read_on() {
  const std::lock_guard lock(mutex_);
  std::error_code missing;
  const auto size = std::filesystem::file_size(file_, missing);
  if (missing) return 0;
  std::ifstream file(file_, std::ios::binary);
  if (size < read_ || !has_last_line(file)) forget();
  file.seekg(static_cast<std::streamoff>(read_));
  for (std::string line; std::getline(file, line) && !file.eof();) {
    const auto begin = read_;
    read_ += line.size() + 1;
    take(line, begin);
    last_line_ = std::move(line);
  }
  return read_;
}

/// Whether what was read last still stands there. A log that was cut back may have grown beyond it
/// since, but its lines tell times, so they are not the same.
bool RunLog::has_last_line(std::istream& file) const {
  std::string there(last_line_.size(), '\0');
  file.seekg(static_cast<std::streamoff>(read_ - std::min<std::uint64_t>(read_, there.size() + 1)));
  file.read(there.data(), static_cast<std::streamsize>(there.size()));
  file.clear();
  return there == last_line_;
}

void RunLog::forget() {
  ++rewrites_;
  last_line_.clear();
  curves_.clear();
  samples_.clear();
  progress_.reset();
  state_.clear();
  share_at_start_ = minutes_ = 0;
  read_ = 0;
}

void RunLog::take(std::string_view line, std::uint64_t begin) {
  json::value value;
  try {
    value = base::parse_json(line, "log.jsonl");
  } catch (const base::DataError&) {
    return;
  }
  if (!value.is_object()) return;
  const auto& object = value.get_object();
  const auto* event = object.if_contains("event");
  if (event == nullptr || !event->is_string()) return;
  const std::string name(event->get_string());
  const auto step = static_cast<std::int64_t>(number_of(object, "step"));
  state_ = "at step " + std::to_string(step);
  if (name == "stop") {
    const auto* why = object.if_contains("why");
    state_ = "ended " + state_;
    if (why != nullptr && why->is_string()) state_ += " (" + std::string(why->get_string()) + ")";
    if (progress_) progress_->seconds_left.reset();
  }
  if (name == "start") share_at_start_ = number_of(object, "share");
  if (name == "samples") samples_.push_back({step, begin, line.size()});
  if (name != "step" && name != "validation") return;
  if (name == "step") {
    const auto seconds = number_of(object, "seconds"), share = number_of(object, "share");
    minutes_ = seconds / 60;
    progress_.emplace();
    progress_->minutes = minutes_;
    progress_->labels_per_second = number_of(object, "labels_per_second");
    if (const auto gained = share - share_at_start_; gained > 0)
      progress_->seconds_left = seconds * std::max(1 - share, 0.0) / gained;
  }
  for (const auto& [field, number] : object) {
    const std::string_view key(field.data(), field.size());
    if (!number.is_number() || std::ranges::find(kPlaces, key) != kPlaces.end()) continue;
    curves_[name + "." + std::string(key)].push_back(
        {.step = step, .minutes = minutes_, .value = number.to_number<double>()});
  }
}

std::vector<std::string> RunLog::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  names.reserve(curves_.size());
  for (const auto& [name, points] : curves_) names.push_back(name);
  return names;
}

std::vector<CurvePoint> RunLog::curve(const std::string& name, std::int64_t after,
                                      std::size_t most) const {
  const std::lock_guard lock(mutex_);
  const auto found = curves_.find(name);
  if (found == curves_.end()) return {};
  const auto& all = found->second;
  const auto first = std::ranges::find_if(all, [&](const auto& p) { return p.step > after; });
  const auto count = static_cast<std::size_t>(all.end() - first);
  const auto stride = (count + most - 1) / std::max<std::size_t>(1, most);
  std::vector<CurvePoint> points;
  for (std::size_t i = 0; i < count; ++i)
    if (stride <= 1 || (count - 1 - i) % stride == 0)
      points.push_back(first[static_cast<std::ptrdiff_t>(i)]);
  return points;
}

std::optional<RunProgress> RunLog::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::vector<std::string> RunLog::samples(std::int64_t after, std::int64_t before,
                                         std::size_t most) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  std::ifstream file(file_, std::ios::binary);
  for (auto place = samples_.rbegin(); place != samples_.rend() && lines.size() < most; ++place) {
    if (place->step <= after || place->step >= before) continue;
    std::string line(place->size, '\0');
    file.seekg(static_cast<std::streamoff>(place->begin));
    file.read(line.data(), static_cast<std::streamsize>(line.size()));
    try {  // a log that was cut back meanwhile has something else there
      const auto value = base::parse_json(line, "log.jsonl");
      const auto* object = value.if_object();
      if (object != nullptr && object->contains("samples") &&
          number_of(*object, "step") == static_cast<double>(place->step))
        lines.push_back(std::move(line));
    } catch (const base::DataError&) {
      file.clear();
    }
  }
  return lines;
}

std::uint64_t RunLog::rewrites() const {
  const std::lock_guard lock(mutex_);
  return rewrites_;
}

std::string RunLog::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace banter::serve
