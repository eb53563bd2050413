#pragma once

#include <span>

#include "train/metrics/texts/sample.h"

namespace banter::train {

/// Share of a reply's n-grams (n = 1 .. 4) that stood in it before; 0 where it has none.
double repeated_share(const Text& reply, unsigned n);

/// Share of a reply's n-grams (n = 1 .. 4) that stand in a turn of its context; 0 where it has
/// none.
double copied_share(const Text& reply, std::span<const Text> context, unsigned n);

}  // namespace banter::train
