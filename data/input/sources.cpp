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
#include "data/input/patterns.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;

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

bool is_gzip(InputStream& stream) { return GzipReader::is_gzip(stream.peek(2)); }

bool is_archive(InputStream& stream) {
  return is_zip(stream.peek(4)) || is_tar(stream.peek(kTarBlock));
}

/// Gives what a gzip holds to `visit` and reads it to its end, where the check sum is.
void visit_gzip(InputStream& packed, const ProblemSink& problem, const StreamVisitor& visit) {
  GzipReader gzip(packed, [&](std::uint64_t left) {
    problem({packed.place(), Severity::kNote, "bytes are left over behind the gzip",
             std::to_string(left), 0});
  });
  InputStream text(packed.place(), packed.name(),
                   [&](char* buffer, std::size_t size) { return gzip.fill(buffer, size); });
  visit(text);
  for (auto rest = text.chunk(); !rest.empty(); rest = text.chunk()) text.consume(rest.size());
}

/// A visitor of an archive's members: text is read, also from a gzip; any further layer is told and
/// left closed.
StreamVisitor member_visitor(const ProblemSink& problem, const StreamVisitor& visit) {
  const auto refuse = [&problem](InputStream& stream, std::string_view why) {
    problem({stream.place(), Severity::kSkip, why, "", 1});
  };
  return [&problem, &visit, refuse](InputStream& member) {
    if (is_archive(member)) return refuse(member, "an archive inside an archive is not opened");
    if (!is_gzip(member)) return visit(member);
    visit_gzip(member, problem, [&](InputStream& text) {
      if (is_gzip(text) || is_archive(text))
        refuse(text, "a packed file inside a gzip of an archive is not opened");
      else
        visit(text);
    });
  };
}

/// Opens one more layer: a tar, or the text itself.
void visit_unpacked(InputStream& stream, const ProblemSink& problem, const StreamVisitor& visit) {
  if (is_tar(stream.peek(kTarBlock)))
    read_tar(stream, problem, member_visitor(problem, visit));
  else
    visit(stream);
}

/// The same behind a gzip, the only one.
void visit_packed(InputStream& stream, const ProblemSink& problem, const StreamVisitor& visit) {
  visit_gzip(stream, problem, [&](InputStream& text) {
    if (is_gzip(text))
      throw DamagedInput(stream.place().text() +
                         ": is a gzip inside a gzip; only one layer is opened: "
                         "unpack it once");
    visit_unpacked(text, problem, visit);
  });
}

using FileVisitor = std::function<void(const fs::path& file, const std::string& name)>;

void walk(const fs::path& folder, const fs::path& inside, const ProblemSink& problem,
          const FileVisitor& visit);

/// Visits what a folder or a pattern holds: a file, or a folder with all that is in it.
void visit_entry(const fs::path& path, const fs::path& name, const ProblemSink& problem,
                 const FileVisitor& visit) {
  std::error_code error;
  const auto type = fs::symlink_status(path, error).type();
  if (error) throw base::FileError(printable(path) + ": cannot be read: " + error.message());
  if (type == fs::file_type::directory)
    walk(path, name, problem, visit);
  else if (type == fs::file_type::regular)
    visit(path, name.string());
  else
    problem({{path.string(), "", 0, 0},
             Severity::kSkip,
             "a link or device in a folder is refused",
             "",
             1});
}

void walk(const fs::path& folder, const fs::path& inside, const ProblemSink& problem,
          const FileVisitor& visit) {
  std::error_code error;
  std::vector<std::string> names;  // of one folder at a time
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) throw base::FileError(printable(folder) + ": cannot be read: " + error.message());
  std::ranges::sort(names);
  for (const auto& name : names) visit_entry(folder / name, inside / name, problem, visit);
}

}  // namespace

void for_each_file(const fs::path& path, const ProblemSink& problem,
                   const std::function<void(const fs::path&, const std::string&)>& visit) {
  if (is_pattern(path)) {
    for (const auto& match : matches_of(path))
      visit_entry(match, name_of_match(path, match), problem, visit);
    return;
  }
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

void read_file_streams(const fs::path& file, const std::string& name, const Place& place,
                       const SourceEvents& events, const StreamVisitor& visit) {
  OpenFile opened(file);
  std::uint64_t told = 0;
  InputStream raw(place, name, [&](char* buffer, std::size_t size) {
    const auto count = opened.read(buffer, size);
    told += count;
    events.bytes(count);
    return count;
  });
  if (is_zip(raw.peek(4)))
    read_zip(file, place, events.problem, member_visitor(events.problem, visit));
  else if (is_gzip(raw))
    visit_packed(raw, events.problem, visit);
  else
    visit_unpacked(raw, events.problem, visit);
  // A zip is read elsewhere, and what a visitor passed over was not read at all.
  std::error_code gone;  // all of it was read
  if (const auto size = fs::file_size(file, gone); !gone && size > told) events.bytes(size - told);
}

bool is_read_with(const fs::path& path, const fs::path& source) {
  std::error_code unreadable;  // looking at it for good tells why
  if (fs::equivalent(path, source, unreadable)) return true;
  const auto whole = [&](const fs::path& place) {
    return fs::weakly_canonical(fs::absolute(place), unreadable);
  };
  const auto read = whole(source);
  const bool matches = is_pattern(read);
  if (!matches && !fs::is_directory(read, unreadable)) return false;
  for (auto part = whole(path);; part = part.parent_path()) {
    if (matches ? is_match(read, part) : part == read) return true;
    if (part == part.parent_path()) return false;
  }
}

}  // namespace banter::data
