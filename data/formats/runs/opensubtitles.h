#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// OpenSubtitles as OPUS gives it out: XML, a film a document, tokenised or not.
///
///     <document id="1">
///       <s id="1">
///         <time id="T1S" value="00:00:10,000" />
///         <w id="1.1">Hello</w> ...     or, untokenised, text
///         <time id="T1E" value="00:00:12,000" />
///       </s> ...
///
/// A sentence `s` is a turn, of a speaker unknown ("?"); its time is its first start as written, ""
/// where it begins inside a block. Words are joined by one space, and so are lines. A dialogue ends
/// where more than data.max_pause lies between an end and the next start and a sentence begins
/// behind it; an unknown gap is none. Silence inside a sentence never cuts it.
///
/// A film is read to its end before its dialogues are given away, since what is wrong with its XML
/// or the order of its times loses it whole. It may be kFilmRecords times data.max_line_bytes long.
/// A sentence that is too long ends the dialogue before it.
///
/// The id is the document's path in the source without `.xml`, a colon and a running number, 0 for
/// the first. Films stay in one split: those of one folder YEAR/FILM/, the same film in several
/// versions, are one group.
///
/// Recognised by the root element `document`.
std::string_view recognises_opensubtitles(std::string_view head);

/// Throws   DamagedInput also when a document that is a file, not a member of an archive, is cut or
///          has another root element
void read_opensubtitles(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

/// What a film may hold, as XML and as turns, in records of data.max_line_bytes.
constexpr std::int64_t kFilmRecords = 16;

}  // namespace banter::data
