#include "serve/routes/run_routes.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/protocol/json_writer.h"
#include "serve/routes/run_log.h"

namespace banter::serve {
namespace {

constexpr std::size_t kMostPoints = 2000, kMostCurves = 16, kMostSamples = 10;

/// The values of a field of a query, which are plain words.
std::vector<std::string> values_of(std::string_view query, std::string_view field) {
  std::vector<std::string> values;
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.size() > field.size() && part.starts_with(field) && part[field.size()] == '=')
      values.emplace_back(part.substr(field.size() + 1));
  }
  return values;
}

/// A field of a query that is a whole number; `fallback` where it is not there.
std::int64_t whole_of(std::string_view query, const std::string& field, std::int64_t fallback) {
  const auto values = values_of(query, field);
  if (values.empty()) return fallback;
  const auto* const end = values.back().data() + values.back().size();
  if (std::from_chars(values.back().data(), end, fallback).ptr != end)
    throw HttpError(400, field + " must be a whole number", {}, field);
  return fallback;
}

/// How far the training is: fields of an object.
void write_progress(JsonWriter& writer, const RunLog& log) {
  writer.field("state", log.state());
  const auto progress = log.progress();
  if (!progress) return;
  writer.key("progress");
  writer.open('{');
  writer.field("minutes", progress->minutes);
  writer.field("labels_per_second", progress->labels_per_second);
  writer.field("seconds_left", progress->seconds_left);
  writer.close('}');
}

Task<Response> tell_run(const Hub* hub, std::shared_ptr<RunLog> log) {
  log->read_on();
  JsonWriter writer;
  writer.open('{');
  writer.key("model");
  if (const auto served = hub->model()) {
    writer.open('{');
    writer.field("id", served->name.id);
    writer.field("revision", served->name.revision);
    writer.field("type", served->name.type);
    writer.key("company");
    writer.open('{');
    writer.field("rows", served->company.rows);
    writer.field("difference", served->company.difference);
    writer.close('}');
    writer.close('}');
  } else {
    writer.null();
  }
  write_progress(writer, *log);
  writer.field("curves", log->names());
  writer.close('}');
  co_return json_response(200, writer.take());
}

Task<Response> tell_curves(std::shared_ptr<RunLog> log, Request request) {
  const auto bytes = log->read_on();
  const auto etag = '"' + std::to_string(log->rewrites()) + '-' + std::to_string(bytes) + '"';
  const auto* known = request.field("If-None-Match");
  const auto names = values_of(request.query, "names");
  const auto after = whole_of(request.query, "after", -1);
  if (names.size() > kMostCurves)
    throw HttpError(400, "at most " + std::to_string(kMostCurves) + " names", {}, "names");
  Response response;
  if (known != nullptr && *known == etag) {
    response.status = 304;
  } else {
    JsonWriter writer(65'536);
    writer.open('{');
    write_progress(writer, *log);
    writer.key("curves");
    writer.open('{');
    const auto is_known = log->names();
    for (const auto& name : names) {
      if (std::ranges::find(is_known, name) == is_known.end()) continue;
      writer.key(name);
      writer.open('[');
      for (const auto& point : log->curve(name, after, kMostPoints)) {
        writer.open('[');
        writer.value(point.step);
        writer.value(point.minutes);
        writer.value(point.value);
        writer.close(']');
      }
      writer.close(']');
    }
    writer.close('}');
    writer.close('}');
    response = json_response(200, writer.take());
  }
  response.fields.push_back({"ETag", etag});
  response.fields.push_back({"Cache-Control", "no-cache"});
  co_return response;
}

Task<Response> tell_samples(std::shared_ptr<RunLog> log, Request request) {
  log->read_on();
  const auto after = whole_of(request.query, "after", -1);
  const auto before = whole_of(request.query, "before", std::numeric_limits<std::int64_t>::max());
  auto lines = log->samples(after, before, kMostSamples + 1);
  const bool is_cut = lines.size() > kMostSamples;
  if (is_cut) lines.pop_back();
  std::string body = R"({"samples":[)";
  for (const auto& line : lines) body.append(body.back() == '[' ? "" : ",").append(line);
  body.append(is_cut ? R"(],"more":true)" : R"(],"more":false)");
  body.append(R"(,"rewrites":)").append(std::to_string(log->rewrites())).append("}");
  co_return json_response(200, std::move(body));
}

}  // namespace

void add_run_routes(Router& router, Hub& hub, const std::filesystem::path& run) {
  const auto log = std::make_shared<RunLog>(run / "log.jsonl");
  router.add(Route{.method = "GET",
                   .path = "/v1/run",
                   .access = Access::kToken,
                   .handler = [&hub, log](const Request&) { return tell_run(&hub, log); }});
  router.add(
      Route{.method = "GET",
            .path = "/v1/run/curves",
            .access = Access::kToken,
            .handler = [log](Request request) { return tell_curves(log, std::move(request)); }});
  router.add(
      Route{.method = "GET",
            .path = "/v1/run/samples",
            .access = Access::kToken,
            .handler = [log](Request request) { return tell_samples(log, std::move(request)); }});
}

}  // namespace banter::serve
