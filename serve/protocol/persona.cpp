#include "serve/protocol/persona.h"

#include <limits>

#include "serve/protocol/fields.h"

namespace banter::serve {

void write_fields(JsonWriter& writer, const Persona& persona) {
  writer.field("id", persona.id);
  writer.field("facts", persona.facts);
}

std::string persona_text(const Persona& persona) {
  JsonWriter writer;
  writer.object(persona);
  return writer.take();
}

Persona read_persona_text(std::string_view text) {
  constexpr TextRule kFactRule{.max_chars = std::numeric_limits<std::int64_t>::max()};
  const auto value = read_json(text);
  const auto fields = Fields::of(value, "persona");
  return {.id = fields.text_if("id", kIdRule),
          .facts = fields.list("facts", [&](const json::value& fact, const std::string& name) {
            return read_text(fact, name, kFactRule);
          })};
}

}  // namespace banter::serve
