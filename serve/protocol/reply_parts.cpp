#include "serve/protocol/reply_parts.h"

#include "serve/protocol/decode_settings.h"
#include "serve/protocol/fields.h"

namespace banter::serve {
namespace {

/// A token can be any text: nothing of it is shown but the text itself.
constexpr TextRule kTokenRule{.max_chars = kMaxWhole, .blank = true, .nul = true};

}  // namespace

SourceWeight read_source(const json::value& value, const std::string& name) {
  const auto fields = Fields::of(value, name);
  const bool is_turn = fields.find("turn") != nullptr;
  return {.kind = is_turn ? SourceWeight::Kind::kTurn : SourceWeight::Kind::kFact,
          .number = fields.whole(is_turn ? "turn" : "fact", 0, kMaxWhole),
          .at = fields.whole_if("at", 0, kMaxWhole),
          .token = fields.text_if("token", kTokenRule),
          .weight = static_cast<float>(fields.number("w"))};
}

FactVerdict read_verdict(const json::value& value, const std::string& name) {
  const auto fields = Fields::of(value, name);
  return {.fact = fields.whole("fact", 0, kMaxWhole),
          .label = fields.word<Verdict>("label"),
          .p = fields.number("p")};
}

AttentionWeights read_attention(const Fields& fields) {
  AttentionWeights attention{.basis = fields.word<AttentionLevel>("basis"),
                             .weights = fields.list("weights", read_source)};
  const auto sources_if = [&](std::string_view field) {
    using Sources = std::vector<SourceWeight>;
    return fields.find(field) != nullptr ? std::optional<Sources>(fields.list(field, read_source))
                                         : std::nullopt;
  };
  attention.static_weights = sources_if("static");
  attention.turns = sources_if("turns");
  attention.static_turns = sources_if("static_turns");
  return attention;
}

void write_fields(JsonWriter& writer, const SourceWeight& source) {
  writer.field(source.kind == SourceWeight::Kind::kTurn ? "turn" : "fact", source.number);
  writer.field("at", source.at);
  writer.field("token", source.token);
  writer.field("w", source.weight);
}

void write_fields(JsonWriter& writer, const AttentionWeights& attention) {
  writer.field("basis", attention.basis);
  writer.field("weights", attention.weights);
  writer.field("static", attention.static_weights);
  writer.field("turns", attention.turns);
  writer.field("static_turns", attention.static_turns);
}

void write_fields(JsonWriter& writer, const FactVerdict& verdict) {
  writer.field("fact", verdict.fact);
  writer.field("label", verdict.label);
  writer.field("p", verdict.p);
}

std::string attention_text(const AttentionWeights& attention) { return json_text(attention); }

std::string consistency_text(const std::vector<FactVerdict>& consistency) {
  JsonWriter writer;
  writer.value(consistency);
  return writer.take();
}

AttentionWeights read_attention(std::string_view text) {
  const auto value = read_json(text);
  return read_attention(Fields::of(value, "attention"));
}

std::vector<FactVerdict> read_consistency(std::string_view text) {
  return read_list(read_json(text), "consistency", read_verdict);
}

}  // namespace banter::serve
