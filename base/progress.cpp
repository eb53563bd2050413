#include "base/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace banter::base {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kBarWidth = 24;

std::string rate_text(double rate) {
  char text[32];
  if (rate >= 1000) {
    std::snprintf(text, sizeof text, "%.1fk", rate / 1000);
  } else {
    std::snprintf(text, sizeof text, rate >= 10 ? "%.0f" : "%.2f", rate);
  }
  return text;
}

/// Columns of the terminal on standard error: a longer line would wrap and not be drawn over.
std::size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

std::string duration_text(std::chrono::duration<double> seconds) {
  const auto whole = std::llround(seconds.count());
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  } else if (whole >= 60) {
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%llds", whole);
  }
  return text;
}

Progress::Progress(Options options)
    : options_(std::move(options)),
      done_(options_.done),
      started_at_(static_cast<std::int64_t>(options_.done)),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_),
      terminal_(::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() { finish(); }

void Progress::update(std::uint64_t done, std::string_view note) {
  if (done < done_) started_at_ -= static_cast<std::int64_t>(done_ - done);
  done_ = done;
  if (!note.empty()) note_ = note;
  const auto now = std::chrono::steady_clock::now();
  if (options_.quiet || finished_ || now - drawn_ < (terminal_ ? kRedraw : options_.every)) return;
  drawn_ = now;
  draw(/*last=*/false);
}

void Progress::advance(std::uint64_t by, std::string_view note) { update(done_ + by, note); }

void Progress::draw(bool last) {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  const double rate = static_cast<double>(made()) / std::max(passed.count(), 1e-6);
  std::string line = options_.label + ' ';
  if (options_.total > 0) {
    const double share =
        std::min(1.0, static_cast<double>(done_) / static_cast<double>(options_.total));
    if (terminal_) {
      const auto full = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
      line += '[' + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] ";
    }
    line += std::to_string(static_cast<int>(100 * share)) + "% " + std::to_string(done_) + '/' +
            std::to_string(options_.total);
  } else {
    line += std::to_string(done_);
  }
  line += ' ' + options_.unit + ", " + rate_text(rate) + "/s";
  if (last) {
    line += ", " + duration_text(passed);
  } else if (options_.total > done_ && rate > 0) {
    line += ", " +
            duration_text(
                std::chrono::duration<double>(static_cast<double>(options_.total - done_) / rate)) +
            " left";
  }
  if (!note_.empty()) line += ", " + note_;
  if (terminal_) {
    if (const auto width = terminal_width(); line.size() >= width) line.resize(width - 1);
    std::fprintf(stderr, "\r%s\033[K%s", line.c_str(), last ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

void Progress::say(std::string_view line) {
  std::fprintf(stderr, "%s%.*s\n", terminal_ && !options_.quiet ? "\r\033[K" : "",
               static_cast<int>(line.size()), line.data());
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  if (!options_.quiet && made() > 0) draw(/*last=*/true);
}

}  // namespace banter::base
