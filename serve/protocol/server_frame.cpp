#include "serve/protocol/server_frame.h"

namespace banter::serve {
namespace {

/// With microseconds behind the point.
double milliseconds_of(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

}  // namespace

// Found by JsonWriter for each kind of object.

static void write_fields(JsonWriter& writer, const ModelName& model) {
  writer.field("id", model.id);
  writer.field("revision", model.revision);
  writer.field("type", model.type);
}

static void write_fields(JsonWriter& writer, const ShownLimits& limits) {
  writer.field("bytes", limits.bytes);
  writer.field("chars", limits.chars);
  writer.field("tokens", limits.tokens);
  writer.field("turns_per_min", limits.turns_per_min);
}

static void write_fields(JsonWriter& writer, const Ready& frame) {
  writer.field("session", frame.session);
  writer.field("epoch", frame.epoch);
  writer.field("resume_token", frame.resume_token);
  writer.field("resumed", frame.resumed);
  writer.field("model", frame.model);
  writer.field("limits", frame.limits);
  writer.field("personas", frame.personas);
  writer.field("decode", frame.decode);
  writer.field("attention", frame.attention);
}

static void write_fields(JsonWriter& writer, const SessionUpdated& frame) {
  writer.field("persona", frame.persona);
  writer.field("decode", frame.decode);
  writer.field("attention", frame.attention);
  writer.field("attention_live", frame.attention_live);
}

static void write_fields(JsonWriter& writer, const Accepted& frame) {
  writer.field("id", frame.id);
  writer.field("turn", frame.turn);
  writer.field("seed", frame.seed);
}

static void write_fields(JsonWriter& writer, const TokenWeights& token) {
  writer.field("text", token.text);
  writer.field("weights", token.weights);
  writer.field("turns", token.turns);
}

static void write_fields(JsonWriter& writer, const Delta& frame) {
  writer.field("id", frame.id);
  writer.field("turn", frame.turn);
  writer.field("text", frame.text);
  writer.field("tokens", frame.tokens);
}

static void write_fields(JsonWriter& writer, const Progress& frame) {
  writer.field("id", frame.id);
  writer.field("turn", frame.turn);
  writer.field("tokens", frame.tokens);
}

static void write_fields(JsonWriter& writer, const Attention& frame) {
  writer.field("turn", frame.turn);
  write_fields(writer, frame.weights);
}

static void write_fields(JsonWriter& writer, const OtherReply& reply) {
  writer.field("text", reply.text);
  writer.field("score", reply.score);
}

static void write_fields(JsonWriter& writer, const Usage& usage) {
  writer.field("prompt", usage.prompt);
  writer.field("completion", usage.completion);
  writer.field("cached", usage.cached);
}

static void write_fields(JsonWriter& writer, const Times& times) {
  writer.field("queue", milliseconds_of(times.queue));
  if (times.first) writer.field("first", milliseconds_of(*times.first));
  writer.field("total", milliseconds_of(times.total));
}

static void write_fields(JsonWriter& writer, const Done& frame) {
  writer.field("id", frame.id);
  writer.field("turn", frame.turn);
  writer.field("finish", frame.finish);
  writer.field("text", frame.text);
  writer.field("score", frame.score);
  writer.field("others", frame.others);
  writer.field("consistency", frame.consistency);
  writer.field("usage", frame.usage);
  writer.field("ms", frame.ms);
  writer.field("seed", frame.seed);
  writer.field("truncated_turns", frame.truncated_turns);
}

static void write_fields(JsonWriter& writer, const Exported& frame) {
  writer.field("dialogue", frame.dialogue);
}

static void write_fields(JsonWriter& writer, const HistoryItem& item) {
  writer.field("turn", item.turn);
  writer.field("version", item.version);
  writer.field("versions", item.versions);
  writer.field("role", item.role);
  writer.field("text", item.text);
  writer.field("finish", item.finish);
  writer.field("attention", item.attention);
  writer.field("consistency", item.consistency);
  writer.field("persona", item.persona);
  writer.field("rating", item.rating);
}

static void write_fields(JsonWriter& writer, const History& frame) {
  writer.field("items", frame.items);
  writer.field("more", frame.more);
}

static void write_fields(JsonWriter& writer, const ErrorFrame& frame) {
  writer.field("code", frame.code);
  writer.field("message", frame.message);
  writer.field("field", frame.field);
  writer.field("id", frame.id);
  if (frame.retry_after) writer.field("retry_after_ms", std::int64_t{frame.retry_after->count()});
  writer.field("fatal", frame.fatal);
}

static void write_fields(JsonWriter& writer, const Draining& frame) {
  writer.field("deadline_ms", std::int64_t{frame.deadline.count()});
}

static void write_fields(JsonWriter& writer, const Pong& frame) { writer.field("t", frame.t); }

namespace {

template <typename Frame>
std::string frame_text(const Frame& frame, std::int64_t seq) {
  JsonWriter writer;
  writer.open('{');
  writer.field("type", Frame::kType);
  writer.field("seq", seq);
  write_fields(writer, frame);
  writer.close('}');
  return writer.take();
}

}  // namespace

ErrorFrame ErrorFrame::of(const RequestError& error) {
  ErrorFrame frame{.code = error.code, .message = error.what()};
  if (!error.field.empty()) frame.field = error.field;
  if (!error.id.empty()) frame.id = error.id;
  return frame;
}

std::string server_frame_text(const ServerFrame& frame, std::int64_t seq) {
  return std::visit([&](const auto& one) { return frame_text(one, seq); }, frame);
}

std::string server_frame_text(const Delta& delta, std::int64_t seq) {
  return frame_text(delta, seq);
}

}  // namespace banter::serve
