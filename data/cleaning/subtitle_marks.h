#pragma once

#include <string>

/// What stands in subtitles beside speech, taken off one by one, in linear time. What is left may
/// be blank. Each returns whether it changed the text.
namespace banter::data {

/// Drops what stands in [square] or (round) brackets, the brackets included: sounds, tone of
/// voice, translations. A bracket without its other half stays.
bool drop_captions(std::string& text);

/// Drops dashes at the beginning, which mark that another person speaks; a dash right before a
/// digit is a minus and stays.
bool drop_dashes(std::string& text);

/// Drops a speaker's name in capitals and its colon at the beginning ("MRS. HALL: Sit down.").
/// The name has two to forty characters: capitals, digits, spaces and .'#&- .
bool drop_name(std::string& text);

/// Drops all of a line that is sung: it begins with a note, or with a # that a space, the end of
/// the line, or another # at the end of the line tells from a word (dashes before it do not count).
/// Elsewhere drops the notes.
bool drop_music(std::string& text);

}  // namespace banter::data
