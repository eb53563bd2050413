#pragma once

#include "train/experiment/document.h"
#include "train/experiment/summary.h"

namespace banter::train {

/// How the metrics of a comparison were computed: their different signatures, and the word vectors.
void add_signatures(Document& document, const Summary& summary);

}  // namespace banter::train
