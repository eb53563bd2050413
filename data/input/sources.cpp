#include "data/input/sources.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/files.h"
#include "base/utf8.h"
#include "data/input/gzip.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeadBytes = 512;

std::string printable(const fs::path& path) { return base::printable(path.string(), 1000); }

/// A file opened for reading.
class OpenFile {
 public:
  explicit OpenFile(const fs::path& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY)) {
    if (fd_ < 0)
      throw base::FileError(printable(path) + ": cannot be opened: " + std::strerror(errno));
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(fd_); }

  std::size_t read(char* buffer, std::size_t size) {
    for (;;) {
      const auto count = ::read(fd_, buffer, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR)
        throw base::FileError(printable(path_) + ": cannot be read: " + std::strerror(errno));
    }
  }

 private:
  fs::path path_;
  int fd_;
};

/// A visitor of an archive's members: text is read, a further layer is told and left closed.
StreamVisitor member_visitor(const ProblemSink& problem, const StreamVisitor& visit) {
  return [&problem, &visit](InputStream& member) {
    if (GzipReader::is_gzip(member.peek(2)) || is_zip(member.peek(4)) ||
        is_tar(member.peek(kHeadBytes)))
      problem({member.place(), Severity::kSkip, "a packed file inside an archive is not opened", "",
               1});
    else
      visit(member);
  };
}

/// Opens one more layer: a tar, or the text itself.
void visit_unpacked(InputStream& stream, const ProblemSink& problem, const StreamVisitor& visit) {
  if (is_tar(stream.peek(kHeadBytes)))
    read_tar(stream, problem, member_visitor(problem, visit));
  else
    visit(stream);
}

void visit_file(const fs::path& path, const std::string& name, const Place& place,
                const SourceEvents& events, const StreamVisitor& visit) {
  OpenFile file(path);
  InputStream raw(place, name, [&](char* buffer, std::size_t size) {
    const auto count = file.read(buffer, size);
    events.bytes(count);
    return count;
  });
  const auto head = raw.peek(4);
  if (is_zip(head)) {
    read_zip(path, place, events.problem, member_visitor(events.problem, visit));
    events.bytes(base::size_of_file(path));
    return;
  }
  if (!GzipReader::is_gzip(head)) return visit_unpacked(raw, events.problem, visit);

  GzipReader gzip(raw, [&](std::uint64_t left) {
    events.problem(
        {place, Severity::kNote, "bytes are left over behind the gzip", std::to_string(left), 0});
  });
  InputStream text(place, name,
                   [&](char* buffer, std::size_t size) { return gzip.fill(buffer, size); });
  if (GzipReader::is_gzip(text.peek(2)))
    throw DamagedInput(place.text() +
                       ": is a gzip inside a gzip; only one layer is opened: "
                       "unpack it once");
  visit_unpacked(text, events.problem, visit);
  // To the end, where the check sum is.
  for (auto rest = text.chunk(); !rest.empty(); rest = text.chunk()) text.consume(rest.size());
}

void walk(const fs::path& folder, const fs::path& inside, const ProblemSink& problem,
          const std::function<void(const fs::path&, const std::string&)>& visit) {
  std::error_code error;
  std::vector<std::string> names;  // of one folder at a time
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) throw base::FileError(printable(folder) + ": cannot be read: " + error.message());
  std::ranges::sort(names);
  for (const auto& name : names) {
    const auto path = folder / name;
    const auto type = fs::symlink_status(path, error).type();
    if (error) throw base::FileError(printable(path) + ": cannot be read: " + error.message());
    if (type == fs::file_type::directory)
      walk(path, inside / name, problem, visit);
    else if (type == fs::file_type::regular)
      visit(path, (inside / name).string());
    else
      problem({{path.string(), "", 0, 0},
               Severity::kSkip,
               "a link or device in a folder is refused",
               "",
               1});
  }
}

}  // namespace

void for_each_file(const fs::path& path, const ProblemSink& problem,
                   const std::function<void(const fs::path&, const std::string&)>& visit) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    throw base::FileError(printable(path) + ": there is no such file or folder");
  if (error) throw base::FileError(printable(path) + ": cannot be read: " + error.message());
  if (status.type() == fs::file_type::directory) {
    walk(path, "", problem, visit);
  } else if (status.type() == fs::file_type::regular) {
    // The name must be the same however the path is spelt: it may make the id.
    const auto whole = fs::absolute(path, error).lexically_normal();
    visit(path, (whole.parent_path().filename() / whole.filename()).string());
  } else {
    throw base::FileError(
        printable(path) +
        ": is neither a file nor a folder (a pipe is read as `-`, standard input)");
  }
}

void for_each_stream(const fs::path& path, const SourceEvents& events, const StreamVisitor& visit,
                     const std::string& shown) {
  for_each_file(path, events.problem, [&](const fs::path& file, const std::string& name) {
    const Place place{file == path ? shown : file.string(), "", 0, 0};
    visit_file(file, name, place, events, visit);
  });
}

}  // namespace banter::data
