#include "models/commands/print.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/errors.h"

namespace banter::models {

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw base::FileError(std::string("standard output cannot be written: ") +
                          std::strerror(errno));
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  return text;
}

}  // namespace banter::models
