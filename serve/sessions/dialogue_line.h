#pragma once

#include <string>
#include <vector>

#include "serve/archive/rows.h"
#include "serve/protocol/persona.h"

namespace banter::serve {

/// A conversation as one line of the JSON Lines that `banter prepare` reads, without its end: of
/// each reply its latest version, the persona as that of the speaker "bot", and for each rated
/// reply `rating.TURN` in `meta`.
std::string dialogue_line(const std::string& id, const std::vector<TurnRow>& turns,
                          const Persona& persona);

}  // namespace banter::serve
