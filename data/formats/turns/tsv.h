#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// Plain TSV: a dialogue a line, a turn a column, A and B by turns. There is no quoting and no
/// header. Dialogues may differ in length; blank columns at the end of a line fill up a table and
/// are no turns, one before the last turn is a fault. The id is the running number of the line,
/// blank ones not counted.
///
/// Recognised by its first lines: text in two or more columns. A table of another kind is refused,
/// known by a column of numbers, times, keys or labels, by a number before each line, by the
/// column names of an NLI corpus, by control characters in the first line, or by `__eou__` and
/// `__eot__` in a column.
std::string_view recognises_tsv(std::string_view head);
void read_tsv(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
