#pragma once

#include <cstdint>
#include <memory>

#include "models/checkpoint/load_model.h"
#include "models/decoding/decoder.h"
#include "models/decoding/session.h"

namespace banter::models {

/// Asks for reply `number` (from 1) of a conversation. Its seed is made of the options' and of the
/// number, as that of a line of generate; one reply is enough where none will be sorted.
Request chat_request(const ChatSession& session, Composed composed, const DecodingOptions& options,
                     std::shared_ptr<const Wording> wording, std::uint64_t number);

/// Replies to a request, the best one first, decoded alone, with their attention; `with_draft`: as
/// in DecodeLimits.
Replies chat_reply(const LoadedModel& loaded, Request request, bool with_draft = false);

}  // namespace banter::models
