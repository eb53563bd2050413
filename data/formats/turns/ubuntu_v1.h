#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// Ubuntu Dialogue Corpus v1: a dialogue a file, dialogs/N/M.tsv, a message a line.
///
///     time <TAB> from <TAB> to <TAB> text
///
/// Split at the first three tabs; quotes are ordinary characters; only `from` makes the speaker.
/// The id is the path in the source without `dialogs/` in front and `.tsv` or `.tsv.gz`: N/M.
///
/// Recognised by its first line, or, where that is like no format's, by a name that ends in
/// N/M.tsv: a dialogue whose first line is faulty is to be told, not passed over.
std::string_view recognises_ubuntu_v1(std::string_view head);
std::string_view recognises_name_of_ubuntu_v1(std::string_view name);
void read_ubuntu_v1(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
