#include "data/input/archive.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include <archive.h>
#include <archive_entry.h>

#include "base/utf8.h"

namespace banter::data {
namespace {

struct ArchiveFree {
  void operator()(archive* a) const { archive_read_free(a); }
};
using ArchivePtr = std::unique_ptr<archive, ArchiveFree>;

std::string error_text(archive* a) {
  const char* text = archive_error_string(a);
  return text != nullptr ? base::printable(text, 200) : "unknown fault";
}

std::string member_name(archive_entry* entry) {
  for (const char* name : {archive_entry_pathname_utf8(entry), archive_entry_pathname(entry)})
    if (name != nullptr) return name;
  return "(a member without a readable name)";
}

bool climbs(std::string_view name) {
  while (!name.empty()) {
    const auto slash = name.find_first_of("/\\");
    if (name.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) break;
    name.remove_prefix(slash + 1);
  }
  return false;
}

/// Why a member is not read, or "".
std::string_view refusal(archive_entry* entry, std::string_view name) {
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_hardlink_utf8(entry) != nullptr)
    return "a hard link in an archive is refused";
  const auto type = archive_entry_filetype(entry);
  if (type == AE_IFLNK) return "a symbolic link in an archive is refused";
  if (type != AE_IFREG && type != AE_IFDIR) return "a device or pipe in an archive is refused";
  if (name.starts_with('/') || name.starts_with('\\'))
    return "an absolute name in an archive is refused";
  if (climbs(name)) return "a name with \"..\" in an archive is refused";
  if (archive_entry_is_encrypted(entry) != 0) return "an encrypted member is refused";
  if (archive_entry_sparse_count(entry) > 0) return "a sparse member is refused";
  return {};
}

/// The bytes of the member that the archive stands at.
class MemberBytes {
 public:
  MemberBytes(archive* a, std::string where) : archive_(a), where_(std::move(where)) {}

  std::size_t fill(char* buffer, std::size_t size) {
    while (block_.empty()) {
      const void* data = nullptr;
      std::size_t count = 0;
      la_int64_t offset = 0;
      const int status = archive_read_data_block(archive_, &data, &count, &offset);
      if (status == ARCHIVE_EOF) return 0;
      if (status != ARCHIVE_OK)
        throw DamagedInput("the archive ends or is damaged inside " + where_ + " (" +
                           error_text(archive_) + "): fetch the file again");
      // A sparse member may claim any size of zeros between its blocks.
      if (offset != position_) throw DamagedInput(where_ + ": a sparse member is refused");
      position_ += static_cast<la_int64_t>(count);
      block_ = {static_cast<const char*>(data), count};
    }
    const auto count = std::min(size, block_.size());
    std::copy_n(block_.begin(), count, buffer);
    block_ = block_.subspan(count);
    return count;
  }

 private:
  archive* archive_;
  std::string where_;
  la_int64_t position_ = 0;
  std::span<const char> block_;
};

void read_members(archive* a, const Place& place, const ProblemSink& problem,
                  const StreamVisitor& visit, const std::exception_ptr& damage) {
  std::string last = "its first member";
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(a, &entry);
    if (status == ARCHIVE_EOF) return;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
      if (damage) std::rethrow_exception(damage);
      throw DamagedInput(place.text() + ": the archive is cut or damaged at or behind " + last +
                         " (" + error_text(a) + "): fetch the file again");
    }
    Place here = place;
    here.member = member_name(entry);
    last = base::printable(here.member, 200);
    if (const auto why = refusal(entry, here.member); !why.empty()) {
      problem({here, Severity::kSkip, why, "", 1});
      continue;
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    MemberBytes bytes(a, here.text());
    const auto fill = [&](char* buffer, std::size_t size) {
      try {
        return bytes.fill(buffer, size);
      } catch (const DamagedInput&) {
        if (damage) std::rethrow_exception(damage);  // the cause lies below the archive
        throw;
      }
    };
    const std::string name = here.member;
    InputStream stream(std::move(here), name, fill);
    visit(stream);
    // The rest is read too: it holds the check sum, and damage in it must not pass unseen.
    for (auto rest = stream.chunk(); !rest.empty(); rest = stream.chunk())
      stream.consume(rest.size());
  }
}

/// What libarchive's callbacks share: no exception may pass through them.
struct Feed {
  InputStream& stream;
  std::size_t lent = 0;    ///< bytes given to libarchive that it may still look at
  std::uint64_t used = 0;  ///< where the zeros begin that all ends with, so far
  std::exception_ptr damage = nullptr;

  std::string_view next() {
    stream.consume(std::exchange(lent, 0));
    const auto chunk = stream.chunk();
    lent = chunk.size();
    if (const auto last = chunk.find_last_not_of('\0'); last != std::string_view::npos)
      used = stream.offset() + last + 1;
    return chunk;
  }
};

la_ssize_t read_callback(archive* a, void* data, const void** buffer) {
  auto& feed = *static_cast<Feed*>(data);
  try {
    const auto chunk = feed.next();
    *buffer = chunk.data();
    return static_cast<la_ssize_t>(chunk.size());
  } catch (...) {
    feed.damage = std::current_exception();
    archive_set_error(a, EIO, "the file below the archive is damaged");
    return -1;
  }
}

}  // namespace

bool is_tar(std::string_view head) {
  if (head.size() < kTarBlock) return false;
  head = head.substr(0, kTarBlock);
  if (head.find_first_not_of('\0') == std::string_view::npos) return true;  // no members
  constexpr std::size_t kSumAt = 148;
  constexpr std::size_t kSumBytes = 8;
  unsigned sum = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i)
    sum += i >= kSumAt && i < kSumAt + kSumBytes ? ' ' : static_cast<unsigned char>(head[i]);
  unsigned claimed = 0;
  bool any = false;
  for (const char c : head.substr(kSumAt, kSumBytes)) {
    if (c >= '0' && c <= '7') {
      claimed = claimed * 8 + static_cast<unsigned>(c - '0');
      any = true;
    } else if (any || c != ' ') {
      break;
    }
  }
  return any && claimed == sum;
}

bool is_zip(std::string_view head) {
  return head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06");
}

void read_tar(InputStream& stream, const ProblemSink& problem, const StreamVisitor& visit) {
  const ArchivePtr a(archive_read_new());
  archive_read_support_format_tar(a.get());
  Feed feed{stream};
  std::uint64_t end = 0;
  const auto head = stream.peek(kTarBlock);
  if (head.find_first_not_of('\0') != std::string_view::npos) {
    if (archive_read_open(a.get(), &feed, nullptr, read_callback, nullptr) != ARCHIVE_OK) {
      if (feed.damage) std::rethrow_exception(feed.damage);
      throw DamagedInput(stream.place().text() + ": damaged tar (" + error_text(a.get()) + ")");
    }
    read_members(a.get(), stream.place(), problem, visit, feed.damage);
    // libarchive takes the end of the file for the end mark, which is a header of zeros.
    end = static_cast<std::uint64_t>(archive_filter_bytes(a.get(), 0));
    if (end == static_cast<std::uint64_t>(archive_read_header_position(a.get())))
      throw DamagedInput(stream.place().text() +
                         ": the tar has no end mark: it may be cut: fetch the file again");
  }
  // libarchive stops at the end mark; what is below (a gzip) has its check sum at the very end.
  while (!feed.next().empty()) {
  }
  if (feed.used > end)
    problem({stream.place(), Severity::kNote, "bytes are left over behind the end of the tar",
             std::to_string(feed.used - end), 0});
}

void read_zip(const std::filesystem::path& path, const Place& place, const ProblemSink& problem,
              const StreamVisitor& visit) {
  constexpr std::size_t kBlock = std::size_t{1} << 16;
  const ArchivePtr a(archive_read_new());
  archive_read_support_format_zip_seekable(a.get());
  if (archive_read_open_filename(a.get(), path.c_str(), kBlock) != ARCHIVE_OK)
    throw DamagedInput(place.text() + ": the zip archive is cut (" + error_text(a.get()) +
                       "): fetch the file again");
  read_members(a.get(), place, problem, visit, nullptr);
}

}  // namespace banter::data
