#include "train/event_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/errors.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "records are little endian");

// Kinds of fields on the wire.
constexpr std::uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(std::uint64_t field, std::uint64_t kind) { return varint((field << 3) | kind); }

std::string bytes_field(std::uint64_t field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string event(double wall_time, std::int64_t step, const std::string& what) {
  return key(1, kFixed64) + raw(wall_time) + key(2, kVarint) +
         varint(static_cast<std::uint64_t>(step)) + what;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The name sorts behind those before it, which is the order that they are read in.
std::string name_of(std::size_t number) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%010zu", number);
  return std::string("events.out.tfevents.") + digits + ".banter";
}

std::uint32_t masked(std::string_view bytes) {
  return std::rotr(base::crc32c(bytes), 15) + 0xa282ead8U;
}

}  // namespace

std::string event_record(std::string_view data) {
  const auto length = raw(static_cast<std::uint64_t>(data.size()));
  return length + raw(masked(length)) + std::string(data) + raw(masked(data));
}

EventFile::EventFile(const fs::path& folder, std::int64_t step) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw base::FileError(folder.string() + ": cannot be made: " + error.message());
  for (std::size_t number = 1; fd_ < 0; ++number) {
    path_ = folder / name_of(number);
    fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd_ < 0 && errno != EEXIST)
      throw base::FileError(path_.string() + ": cannot be made: " + std::strerror(errno));
  }
  const auto now = seconds_since_1970();
  write(event_record(event(now, step + 1, bytes_field(3, "brain.Event:2"))));
  const auto start = key(1, kVarint) + varint(1);
  write(event_record(event(now, step + 1, bytes_field(7, start))));
}

EventFile::~EventFile() { ::close(fd_); }

void EventFile::add(const base::json::object& line, double wall_time) {
  const auto& kind = line.at("event").as_string();
  if (kind != "step" && kind != "validation") return;
  const std::string prefix = kind == "step" ? "train/" : "valid/";
  std::string summary;
  for (const auto& [name, value] : line) {
    if (!value.is_number() || name == "step") continue;
    summary += bytes_field(1, bytes_field(1, prefix + std::string(name)) + key(2, kFixed32) +
                                  raw(value.to_number<float>()));
  }
  const auto step = line.at("step").to_number<std::int64_t>();
  write(event_record(event(wall_time, step, bytes_field(5, summary))));
}

void EventFile::write(std::string_view record) {
  while (!record.empty()) {
    const auto written = ::write(fd_, record.data(), record.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw base::FileError(path_.string() + ": cannot be written: " + std::strerror(errno));
    record.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace banter::train
