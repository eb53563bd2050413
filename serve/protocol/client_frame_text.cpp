#include "serve/protocol/client_frame.h"
#include "serve/protocol/decode_json.h"
#include "serve/protocol/json_writer.h"

namespace banter::serve {

static void write_fields(JsonWriter& writer, const Resume& resume) {
  writer.field("session", resume.session);
  writer.field("resume_token", resume.resume_token);
  writer.field("epoch", resume.epoch);
  writer.field("last_seq", resume.last_seq);
}

static void write_fields(JsonWriter& writer, const Hello& frame) {
  writer.field("token", frame.token);
  writer.field("client", frame.client);
  writer.field("resume", frame.resume);
}

static void write_fields(JsonWriter& writer, const SessionUpdate& frame) {
  if (frame.persona) {
    writer.key("persona");
    writer.open('{');
    writer.field("id", frame.persona->id);
    if (!frame.persona->id) writer.field("facts", frame.persona->facts);
    writer.close('}');
  }
  writer.field("decode", frame.decode);
  writer.field("attention", frame.attention);
  writer.field("attention_live", frame.attention_live);
}

static void write_fields(JsonWriter& writer, const Message& frame) {
  writer.field("id", frame.id);
  writer.field("text", frame.text);
  writer.field("decode", frame.decode);
}

static void write_fields(JsonWriter& writer, const Regenerate& frame) {
  writer.field("id", frame.id);
  writer.field("turn", frame.turn);
  writer.field("decode", frame.decode);
}

static void write_fields(JsonWriter& writer, const Cancel& frame) { writer.field("id", frame.id); }

static void write_fields(JsonWriter&, const Reset&) {}

static void write_fields(JsonWriter& writer, const HistoryRequest& frame) {
  writer.field("before", frame.before);
  writer.field("limit", frame.limit);
}

static void write_fields(JsonWriter&, const Export&) {}

static void write_fields(JsonWriter&, const Delete&) {}

static void write_fields(JsonWriter& writer, const Rate& frame) {
  writer.field("turn", frame.turn);
  writer.field("value", frame.value);
}

static void write_fields(JsonWriter& writer, const Ping& frame) { writer.field("t", frame.t); }

std::string client_frame_text(const ClientFrame& frame) {
  JsonWriter writer;
  writer.open('{');
  std::visit(
      [&](const auto& one) {
        writer.field("type", one.kType);
        write_fields(writer, one);
      },
      frame);
  writer.close('}');
  return writer.take();
}

}  // namespace banter::serve
