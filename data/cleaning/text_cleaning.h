#pragma once

#include <string>

#include "data/options.h"
#include "data/store/store.h"

/// The part of `data.cleaning` that changes every text, of turns, facts and pairs alike:
/// `normalization`, `lower_case`, `expand_contractions`. What a model is asked about must be
/// spelled as what it learned from.
namespace banter::data {

/// Does that part to a valid UTF-8 text, in the order of Cleaner.
void clean_text(const CleaningOptions& options, std::string& text);

/// That part of how a store was made, the rest as by default.
/// Throws   FileError, DataError when its manifest cannot be read
CleaningOptions text_cleaning_of(const Store& store);

/// That part as keys of a recipe: YAML of a mapping `data`.
std::string text_cleaning_yaml(const CleaningOptions& options);

}  // namespace banter::data
