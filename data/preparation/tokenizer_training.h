#pragma once

#include "data/preparation/source_readings.h"

namespace banter::data {

/// Trains the tokenizer of a recipe on a first reading of its sources.
/// Throws   what `read_sources` and Tokenizer::train throw
TrainedTokenizer train_tokenizer(const Work& work);

}  // namespace banter::data
