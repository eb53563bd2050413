#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// PersonalDialog, as in ECDT2019 and later releases: one JSON object a line, or one array of them.
///
///     {"dialog": [["你好"], ["你 在 哪里"]], "uid": [0, 1],
///      "profile": [{"tag": ["美食;旅游"], "loc": "北京", "gender": "male"}, ...],
///      "golden_response": ["..."], "responder_profile": {...}}
///
/// A text is a string or an array of one string; tags are strings, each of them one tag or several
/// between semicolons. A speaker is named by his uid, which is his place in `profile`. What a
/// profile says becomes facts, "tag: 美食", "loc: 北京", "gender: male"; an empty value says
/// nothing.
///
/// The last two keys stand in test files: the golden response is one turn more. It is said by whose
/// profile is the responder's, rather by another than the speaker before; by somebody new when it
/// is nobody's; by "?" when no responder is named.
///
/// Texts are kept byte for byte: the words stand between spaces as a segmenter left them, and to
/// take the spaces away would also join words of other languages, which cannot be undone.
///
/// The id is the number of the line, or of the element, in its file.
std::string_view recognises_personal_dialog(std::string_view head);
void read_personal_dialog(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
