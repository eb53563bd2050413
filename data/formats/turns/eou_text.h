#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// A dialogue a line, its turns ended by marks that stand alone between spaces; A and B by turns.
///
///     how are you ? __eou__ fine . __eou__                                   DailyDialog
///     hi __eou__ any idea ? __eou__ __eot__ ask ann __eou__ __eot__          Ubuntu as for HRED
///
/// `__eou__` ends a turn, unless the file has `__eot__`: then that does, and `__eou__` ends a
/// message in it (messages of a turn are joined by one space). Which of the two holds is seen in
/// the head of the file, for all of it: a line alone may be either. An `__eot__` that comes up
/// later is a fault of its line. The last turn may lack its mark. The id is the running number of
/// the line, blank ones not counted.
///
/// Recognised by a mark in the first line. JSON is no such text, and what has a tab there, or a
/// comma or a quote at a mark, is a table.
std::string_view recognises_eou_text(std::string_view head);
void read_eou_text(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
