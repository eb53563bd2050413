#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What stands in subtitles beside speech, taken off one by one. Each returns what is left, which
/// may be blank, in linear time, and nothing where the text stays as it is.
namespace banter::data {

/// Without what stands in [square] or (round) brackets, the brackets included: sounds, tone of
/// voice, translations. A bracket without its other half stays.
std::optional<std::string> without_captions(std::string_view text);

/// Without dashes at the beginning, which mark that another person speaks; a dash right before a
/// digit is a minus and stays.
std::optional<std::string> without_dashes(std::string_view text);

/// Without a speaker's name in capitals and its colon at the beginning ("MRS. HALL: Sit down.").
/// The name has two to forty characters: capitals, digits, spaces and .'#&- .
std::optional<std::string> without_name(std::string_view text);

/// A blank text where the line is sung: it begins with a note, or with a # that a space, the end of
/// the line, or another # at the end of the line tells from a word (dashes before it do not count);
/// elsewhere the text without the notes in it.
std::optional<std::string> without_music(std::string_view text);

}  // namespace banter::data
