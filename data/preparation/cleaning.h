#pragma once

#include <string>
#include <string_view>

#include "data/dialogue.h"
#include "data/options.h"

namespace banter::data {

/// Joins turns in a row by one named speaker, names compared without ASCII case; two "?" are never
/// joined, since they need not be the same person.
void merge_consecutive(Dialogue& dialogue);

/// Whether all turns are by one named speaker: then nobody replies. Case counts: a corpus that
/// writes two names means two people (merging, which is asked for, may see one in them).
bool is_monologue(const Dialogue& dialogue);

/// Small letters of Latin, Greek and Cyrillic by the simple one-to-one rules; the rest as it is.
/// Requires valid UTF-8. A table of our own: the C library's depends on the machine's locale.
std::string lower_case(std::string_view text);

/// `options` applied: merging first, then case.
void clean(Dialogue& dialogue, const CleaningOptions& options);

}  // namespace banter::data
