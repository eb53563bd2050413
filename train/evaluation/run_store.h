#pragma once

#include <filesystem>
#include <string>

#include "data/store/store.h"
#include "models/checkpoint/checkpoint.h"

namespace banter::train {

/// Opens and verifies the store that a run learned from: `given`, or where that is empty the one
/// that the run's config.yaml names.
///
/// `tokenizer`, `checkpoint`: what was loaded of the run. `option`: where `given` was given.
/// Throws   UsageError when neither names one; FileError; DataError when it is damaged, or its
///          tokenizer is another
data::Store open_store(const std::string& given, const std::filesystem::path& run,
                       const data::Tokenizer& tokenizer, const models::Checkpoint& checkpoint,
                       const std::string& option = "--store");

}  // namespace banter::train
