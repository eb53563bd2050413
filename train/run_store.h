#pragma once

#include <filesystem>
#include <string>

#include "data/store/store.h"
#include "models/checkpoint/load_model.h"

namespace banter::train {

/// Opens and verifies the store that a run learned from: `given`, or where that is empty the one
/// that the run's config.yaml names. Throws   UsageError when neither names one; FileError;
/// DataError when it is damaged, or its
///          tokenizer is not the model's
data::Store open_store(const std::string& given, const models::LoadedModel& loaded,
                       const std::filesystem::path& run);

}  // namespace banter::train
