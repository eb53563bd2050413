#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace banter::train {

/// Values as a row of bars, the lowest of them lowest: `▇▅▃▂▁`, or `#+-.` where only ASCII can be
/// shown. More values than `width` are drawn as the means of so many equal parts.
/// Returns  "" without values; values that are not finite have a space
std::string curve(std::span<const double> values, std::size_t width, bool ascii);

/// Whether the environment asks for texts in UTF-8: the first of LC_ALL, LC_CTYPE and LANG that is
/// set says so.
bool is_utf8_locale();

}  // namespace banter::train
