#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/engine/turn.h"
#include "serve/protocol/persona.h"
#include "serve/sessions/served_model.h"

namespace banter::serve {

/// What the engine is asked under these settings, without turns, conversation, owner and deadline.
Turn asked_turn(const ServedModel& model, const DecodeSettings& decode, std::int64_t seed,
                const std::vector<std::string>& facts);

/// Throws   RequestError naming `field` where the model cannot tell its attention so closely
void check_attention(AttentionLevel level, const ServedModel& model, const std::string& field);

/// The settings that something was stored with; the server's where its limits allow them no more.
DecodeSettings stored_settings(const std::string& text, const DecodeOffer& offer);

/// The persona that was stored; nobody where the text is none of ours.
Persona stored_persona(const std::string& text);

}  // namespace banter::serve
