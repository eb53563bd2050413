#pragma once

#include <string>
#include <vector>

#include "data/store/store.h"

namespace banter::data {

/// The formats in which a store's dialogues came, each once, in the order of its sources; of
/// shards, of all of them. Formats of sentence pairs are none of them.
/// Throws   FileError, DataError when a manifest cannot be read
std::vector<std::string> dialogue_formats_of(const Store& store);

}  // namespace banter::data
