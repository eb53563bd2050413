#include "serve/client/load_report.h"

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "serve/protocol/json_writer.h"

namespace banter::serve {
namespace {

constexpr std::size_t kWidth = 10;  // of a column

struct Row {
  std::string_view name, shown;
  Samples LoadResult::*samples;
};

constexpr std::array kRows = {
    Row{"handshake", "handshake", &LoadResult::handshake},
    Row{"ready", "ready", &LoadResult::ready},
    Row{"accepted", "accepted", &LoadResult::accepted},
    Row{"first_delta", "first delta", &LoadResult::first},
    Row{"turn", "whole turn", &LoadResult::whole},
    Row{"refused", "refused turn", &LoadResult::refused},
};

struct Share {
  std::string_view name;
  double share;
};

constexpr std::array kShares = {Share{"p50", 0.5}, Share{"p90", 0.9}, Share{"p99", 0.99},
                                Share{"max", 1.0}};

std::string_view name_of_kind(LoadKind kind) {
  switch (kind) {
    case LoadKind::kTurns:
      return "turns";
    case LoadKind::kEcho:
      return "echo";
    case LoadKind::kStorm:
      return "storm";
    case LoadKind::kIdle:
      return "idle";
  }
  return {};
}

double per_second(std::int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string number(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string padded(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width > text.size() ? width - text.size() : 1, ' ');
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 1, ' ') + text;
}

std::string counts_text(std::string_view name, const std::map<std::string, std::int64_t>& counts) {
  std::string text;
  for (const auto& [key, count] : counts)
    text += (text.empty() ? "" : ", ") + base::printable(key, 200) + " " + std::to_string(count);
  return text.empty() ? "" : padded(name, 14) + text + "\n";
}

void write_samples(JsonWriter& writer, Samples& samples) {
  writer.open('{');
  writer.field("count", static_cast<std::int64_t>(samples.count()));
  for (const auto& share : kShares) writer.field(share.name, samples.percentile(share.share));
  writer.close('}');
}

std::string row_text(std::string_view name, Samples& samples) {
  auto text = padded(name, 14) + right(std::to_string(samples.count()), kWidth);
  for (const auto& share : kShares)
    text += right(number("%.2f", samples.percentile(share.share)), kWidth);
  return text + '\n';
}

void write_counts(JsonWriter& writer, std::string_view name,
                  const std::map<std::string, std::int64_t>& counts) {
  writer.key(name);
  writer.open('{');
  for (const auto& [key, count] : counts) writer.field(key, count);
  writer.close('}');
}

std::map<std::string, std::int64_t> by_text(const std::map<std::uint16_t, std::int64_t>& counts) {
  std::map<std::string, std::int64_t> texts;
  for (const auto& [code, count] : counts) texts[std::to_string(code)] = count;
  return texts;
}

/// The time that a figure is per: with a storm, that of its handshakes.
std::int64_t done_of(const LoadResult& result, const LoadOptions& options) {
  return options.kind == LoadKind::kStorm ? static_cast<std::int64_t>(result.handshake.count())
                                          : result.turns;
}

}  // namespace

std::string report_json(LoadResult& result, const LoadOptions& options) {
  JsonWriter writer;
  writer.open('{');
  writer.field("kind", name_of_kind(options.kind));
  writer.field("url", options.socket.address.text());
  writer.field("users", options.users);
  writer.field("seconds", result.seconds);
  writer.field("turns", result.turns);
  writer.field("unstarted", result.unstarted);
  writer.field("tokens", result.tokens);
  writer.field("per_second", per_second(done_of(result, options), result.seconds));
  writer.field("tokens_per_second", per_second(result.tokens, result.seconds));
  writer.key("ms");
  writer.open('{');
  for (const auto& row : kRows) {
    writer.key(row.name);
    write_samples(writer, result.*row.samples);
  }
  writer.close('}');
  writer.key("turn_ms_at");  // by its number in its conversation
  writer.open('{');
  for (std::size_t i = 0; i < kDepths.size(); ++i) {
    writer.key(kDepths.at(i).name);
    write_samples(writer, result.whole_at.at(i));
  }
  writer.close('}');
  writer.key("deaf");
  writer.open('{');
  writer.field("asked", options.deaf);
  writer.field("closed", result.deaf_closed);
  writer.close('}');
  writer.key("idle");
  writer.open('{');
  writer.field("asked", options.idle);
  writer.field("open", result.idle_open);
  writer.field("lost", result.idle_lost);
  writer.close('}');
  write_counts(writer, "finishes", result.finishes);
  write_counts(writer, "errors", result.errors);
  write_counts(writer, "closes", by_text(result.closes));
  writer.key("failures");  // reasons are texts, which no key is
  writer.open('[');
  for (const auto& [why, count] : result.failures) {
    writer.open('{');
    writer.field("why", why);
    writer.field("count", count);
    writer.close('}');
  }
  writer.close(']');
  writer.key("client");
  writer.open('{');
  writer.field("cpu_seconds", result.client_cpu_seconds);
  writer.close('}');
  if (options.pid) {
    writer.key("server");
    writer.open('{');
    writer.field("cpu_seconds", result.server_cpu_seconds);
    writer.field("resident_bytes_before", result.server_bytes_before);
    writer.field("resident_bytes", result.server_bytes);
    writer.close('}');
  }
  writer.close('}');
  return writer.take();
}

std::string report_text(LoadResult& result, const LoadOptions& options) {
  const auto seconds = result.seconds;
  std::string text = padded("ms", 14) + right("count", kWidth);
  for (const auto& share : kShares) text += right(std::string(share.name), kWidth);
  text += '\n';
  for (const auto& row : kRows) {
    auto& samples = result.*row.samples;
    if (samples.count() == 0) continue;
    const bool is_echo = options.kind == LoadKind::kEcho && row.name == "turn";
    text += row_text(is_echo ? "echo" : row.shown, samples);
  }
  if (result.whole_at.back().count() > 0)  // conversations are long enough to compare
    for (std::size_t i = 0; i < kDepths.size(); ++i)
      text += row_text("turns " + std::string(kDepths.at(i).name), result.whole_at.at(i));
  text += "\n" + padded("time", 14) + number("%.2f s", seconds) + "\n";
  const auto done = done_of(result, options);
  constexpr std::array<std::string_view, 4> kUnits = {"turns", "messages", "handshakes", ""};
  const auto unit = kUnits[static_cast<std::size_t>(options.kind)];
  if (!unit.empty())
    text += padded(unit, 14) + std::to_string(done) + ", " +
            number("%.1f a second", per_second(done, seconds)) + "\n";
  if (result.tokens > 0)
    text += padded("tokens", 14) + std::to_string(result.tokens) + ", " +
            number("%.1f a second", per_second(result.tokens, seconds)) + "\n";
  if (result.unstarted > 0)
    text += padded("unstarted", 14) + std::to_string(result.unstarted) +
            " turns, for which no user was free\n";
  if (options.idle > 0)
    text += padded("idle", 14) + std::to_string(result.idle_open) + " of " +
            std::to_string(options.idle) + " open, " + std::to_string(result.idle_lost) + " lost\n";
  if (options.deaf > 0)
    text += padded("deaf", 14) + std::to_string(result.deaf_closed) + " of " +
            std::to_string(options.deaf) + " closed by the server\n";
  text += counts_text("ends", result.finishes);
  text += counts_text("errors", result.errors);
  text += counts_text("failures", result.failures);
  text += counts_text("closes", by_text(result.closes));
  text +=
      padded("client", 14) + number("%.2f s of processor time", result.client_cpu_seconds) + "\n";
  if (options.pid)
    text += padded("server", 14) + number("%.2f s of processor time, ", result.server_cpu_seconds) +
            number("%.1f MiB resident, ", static_cast<double>(result.server_bytes) / (1 << 20)) +
            number("%.1f before\n", static_cast<double>(result.server_bytes_before) / (1 << 20));
  return text;
}

}  // namespace banter::serve
