#pragma once

#include <string>
#include <string_view>

namespace banter::data {

/// What a file is called in its source, without `.gz` and `ending`: what ids are made of where a
/// corpus gives none.
inline std::string document_name(std::string_view name, std::string_view ending) {
  if (name.starts_with("./")) name.remove_prefix(2);
  for (const auto last : {std::string_view(".gz"), ending})
    if (name.ends_with(last)) name.remove_suffix(last.size());
  return std::string(name);
}

/// Whether a part of a name is a number.
inline bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace banter::data
