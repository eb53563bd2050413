#include "data/input/standard_input.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/signals.h"

namespace banter::data {

void copy_standard_input(const std::filesystem::path& to) {
  base::FileWriter file(to);
  std::string buffer(std::size_t{1} << 16, '\0');
  for (;;) {
    base::throw_if_stopped();
    const auto count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      throw base::FileError(std::string("standard input cannot be read: ") + std::strerror(errno));
    }
    file.write(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
  }
  file.close();
}

}  // namespace banter::data
