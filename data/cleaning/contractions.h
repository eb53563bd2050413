#pragma once

#include <string>

namespace banter::data {

/// Writes English contractions out: "i'm" becomes "i am", "don't" "do not", "they'd" "they would".
///
/// Of words with 's only those are written out that are no possessives (it's, that's, who's, ...);
/// what is not known stays as it is. The small forms are used: "I'm" becomes "I am". The apostrophe
/// may be ' or the right quotation mark.
/// Returns   whether that changed the text
bool expand_contractions(std::string& text);

}  // namespace banter::data
