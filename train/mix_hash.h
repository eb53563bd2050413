#pragma once

#include <span>
#include <string>
#include <vector>

#include "train/recipe.h"

namespace banter::train {

/// Names what a run learns from: the hash of its store, or that of all stores in its mix with their
/// weights and of the one that its sentence pairs are in.
///
/// `mixed`: the hashes of the stores of `mix`, in its order; `pairs`: that of `pairs.store`, "" =
/// there is none of its own.
std::string hash_of_mix(const std::string& store, const std::vector<MixedStore>& mix,
                        std::span<const std::string> mixed, const std::string& pairs);

/// Names the part of that which a recipe learns from; `data` itself where that is all of it.
std::string hash_of_part(const std::string& data, const Recipe& recipe);

}  // namespace banter::train
