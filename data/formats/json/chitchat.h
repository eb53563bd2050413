#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// The JSON of the Python package `chitchat-dataset`: one object, id -> conversation.
///
///     {"a07edb12-...": {"messages": [[{"text", "timestamp", "sender"}, ...], ...],
///                       "prompt": "...", "start": "...", "ratings": {...}}, ...}
///
/// Every message is a turn of its own, also where one sender writes several in a row (the lists of
/// `messages`). Prompt, start and ratings become meta.
std::string_view recognises_chitchat(std::string_view head);
void read_chitchat(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
