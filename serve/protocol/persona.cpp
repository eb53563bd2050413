#include "serve/protocol/persona.h"

#include <limits>

#include "serve/protocol/fields.h"

namespace banter::serve {

void write_fields(JsonWriter& writer, const Persona& persona) {
  writer.field("id", persona.id);
  writer.field("facts", persona.facts);
}

std::string persona_text(const Persona& persona) { return json_text(persona); }

Persona read_persona(const json::value& value, const std::string& name) {
  constexpr TextRule kFactRule{.max_chars = std::numeric_limits<std::int64_t>::max()};
  const auto fields = Fields::of(value, name);
  return {.id = fields.text_if("id", kIdRule),
          .facts = fields.list("facts", [&](const json::value& fact, const std::string& where) {
            return read_text(fact, where, kFactRule);
          })};
}

Persona read_persona_text(std::string_view text) {
  return read_persona(read_json(text), "persona");
}

}  // namespace banter::serve
