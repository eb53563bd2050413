#include "models/commands/open_line.h"

#include <utility>

#include "base/errors.h"
#include "models/commands/print.h"

namespace banter::models {

OpenLine::~OpenLine() {
  if (!is_open_) return;
  try {
    print("\n");
  } catch (const base::Error&) {  // the error that ended the line early is the one to tell
  }
}

void OpenLine::add(const std::string& text) {
  if (text.empty()) return;
  is_open_ = true;
  print(std::exchange(front_, "") + text);
}

void OpenLine::end(const std::string& text) {
  is_open_ = false;
  print(front_ + text + "\n");
}

}  // namespace banter::models
