#include "models/hugging_face/new_folder.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;

/// Whether a process of this number, written out, is there no more.
bool has_ended(std::string_view number) {
  pid_t pid = 0;
  const auto* end = number.data() + number.size();
  const auto read = std::from_chars(number.data(), end, pid);
  return read.ec == std::errc() && read.ptr == end && pid > 0 && ::kill(pid, 0) != 0 &&
         errno == ESRCH;
}

void remove_leftovers(const fs::path& folder, const std::string& prefix) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(prefix) && has_ended(std::string_view(name).substr(prefix.size())))
      fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

NewFolder::NewFolder(fs::path place) : place_(std::move(place)) {
  if (place_.filename().empty()) place_ = place_.parent_path();  // "runs/de-en/"
  if (fs::exists(place_))
    throw base::UsageError(place_.string() + ": is there already; name a new folder");
  const auto prefix = "." + place_.filename().string() + ".tmp-";
  remove_leftovers(place_.parent_path(), prefix);
  beside_ = place_;
  beside_.replace_filename(prefix + std::to_string(::getpid()));
  base::make_folders(beside_);
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  fs::remove_all(beside_, ignored);
}

void NewFolder::publish() {
  base::sync_folder(beside_);
  base::rename_durably(beside_, place_);
}

}  // namespace banter::models
