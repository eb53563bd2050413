#include "tests/support/crash_states.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <sys/stat.h>

#include "base/files.h"
#include "base/random.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRoot = 0;      // the object of the folder itself
constexpr std::size_t kBlock = 4096;  // what a disk writes at once

// What an operation that is not synced comes to.
constexpr char kLost = 0;
constexpr char kKept = 1;
constexpr char kTorn = 2;  // a write: a part of it

std::uint64_t number_of(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) throw std::runtime_error(path.string() + " is gone");
  return status.st_ino;
}

bool is_of_names(FileOperation::Kind kind) {
  return kind != FileOperation::kWrite && kind != FileOperation::kTruncate &&
         kind != FileOperation::kSync;
}

/// Lays part of a write over a file: its beginning, or some of its blocks.
void write_torn(std::string& bytes, std::uint64_t offset, std::string_view written,
                std::uint64_t draw) {
  const auto put = [&](std::size_t begin, std::size_t size) {
    const auto end = static_cast<std::size_t>(offset) + begin + size;
    if (bytes.size() < end) bytes.resize(end, '\0');
    bytes.replace(static_cast<std::size_t>(offset) + begin, size, written.substr(begin, size));
  };
  if (written.size() <= kBlock || draw % 2 == 0) {
    put(0, static_cast<std::size_t>(base::mix64(draw) % written.size()));
    return;
  }
  for (std::size_t begin = 0; begin < written.size(); begin += kBlock)
    if (base::join_keys(draw, begin) % 2 == 0) put(begin, std::min(kBlock, written.size() - begin));
}

}  // namespace

Tree read_tree(const fs::path& folder) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto name = fs::relative(entry.path(), folder).string();
    if (entry.is_directory()) {
      tree[name + "/"];
    } else {
      tree[name] = base::read_file(entry.path());
    }
  }
  return tree;
}

void write_tree(const Tree& tree, const fs::path& folder) {
  fs::create_directories(folder);
  for (const auto& entry : fs::directory_iterator(folder)) fs::remove_all(entry.path());
  for (const auto& [name, bytes] : tree) {  // a folder stands before what is in it
    if (name.ends_with('/')) {
      fs::create_directory(folder / name.substr(0, name.size() - 1));
    } else {
      std::ofstream(folder / name, std::ios::binary) << bytes;
    }
  }
}

CrashStates::CrashStates(const fs::path& folder) {
  made(number_of(folder), true);
  std::map<std::string, std::size_t> folders = {{"", kRoot}};
  for (auto& [name, bytes] : read_tree(folder)) {
    const bool is_folder = name.ends_with('/');
    const auto path = is_folder ? name.substr(0, name.size() - 1) : name;
    const auto object = made(number_of(folder / path), is_folder);
    objects_[object].bytes = bytes;
    const auto slash = path.rfind('/');
    const auto parent = slash == std::string::npos ? std::string() : path.substr(0, slash);
    before_[{folders.at(parent), path.substr(slash + 1)}] = object;
    if (is_folder) folders[path] = object;
  }
  live_ = before_;
}

std::size_t CrashStates::object_of(std::uint64_t number) const {
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) throw std::runtime_error("the journal knows no such file");
  return found->second;
}

std::size_t CrashStates::made(std::uint64_t number, bool is_folder) {
  objects_.push_back({.is_folder = is_folder, .bytes = {}});
  return by_number_[number] = objects_.size() - 1;
}

void CrashStates::set(Operation& operation, Entry entry, std::size_t object) {
  if (object == kNothing) {
    live_.erase(entry);
  } else {
    live_[entry] = object;
  }
  operation.sets.emplace_back(std::move(entry), object);
}

void CrashStates::read_journal(const fs::path& journal) {
  const auto text = base::read_file(journal, UINT64_MAX);
  std::string_view left = text;
  const auto take = [&](std::size_t size) {
    if (left.size() < size) throw std::runtime_error("the journal ends in an operation");
    const auto taken = left.substr(0, size);
    left.remove_prefix(size);
    return std::string(taken);
  };
  while (!left.empty()) {
    FileOperation head;
    std::memcpy(&head, take(sizeof head).data(), sizeof head);
    Operation operation;
    operation.kind = static_cast<FileOperation::Kind>(head.kind);
    operation.first = take(head.first_bytes);
    operation.second = take(head.second_bytes);
    operation.offset = head.offset;
    switch (operation.kind) {
      case FileOperation::kCreate:
      case FileOperation::kMakeFolder: {
        const auto object = made(head.number, operation.kind == FileOperation::kMakeFolder);
        set(operation, {object_of(head.other), operation.first}, object);
        break;
      }
      case FileOperation::kWrite:
      case FileOperation::kTruncate:
      case FileOperation::kSync:
        operation.object = object_of(head.number);
        break;
      case FileOperation::kRename:
      case FileOperation::kExchange: {
        const Entry from{object_of(head.number), operation.first};
        const Entry to{object_of(head.other), operation.second};
        const bool is_exchange = operation.kind == FileOperation::kExchange;
        const auto moved = live_.at(from), other = is_exchange ? live_.at(to) : kNothing;
        set(operation, from, other);
        set(operation, to, moved);
        break;
      }
      case FileOperation::kRemove:
        set(operation, {object_of(head.number), operation.first}, kNothing);
        break;
    }
    operations_.push_back(std::move(operation));
  }
}

std::string_view CrashStates::written(std::size_t number) const {
  const auto& operation = operations_.at(number);
  return operation.kind == FileOperation::kWrite ? operation.first : std::string_view();
}

void CrashStates::forget_syncs_of(bool folders) {
  std::erase_if(operations_, [&](const Operation& operation) {
    return operation.kind == FileOperation::kSync &&
           objects_[operation.object].is_folder == folders;
  });
}

/// A change of a name that is there has those before it that it builds on: of the same names.
void CrashStates::keep_what_names_need(std::vector<char>& kept) const {
  std::map<Entry, bool> is_needed;
  for (auto i = kept.size(); i-- > 0;) {
    const auto& sets = operations_[i].sets;
    if (std::ranges::any_of(sets, [&](const auto& one) { return is_needed[one.first]; }))
      kept[i] = kKept;
    if (kept[i] != kLost)
      for (const auto& [entry, object] : sets) is_needed[entry] = true;
  }
}

/// What of the first `count` operations is there after a crash.
std::vector<char> CrashStates::kept(std::size_t count, Loss loss, std::uint64_t draw) const {
  std::vector<char> kept(count, kLost);
  std::vector<char> is_synced(objects_.size(), 0);
  const auto until = static_cast<std::size_t>(base::mix64(draw) % (count + 1));
  for (auto i = count; i-- > 0;) {
    const auto& operation = operations_[i];
    if (operation.kind == FileOperation::kSync) {
      is_synced[operation.object] = 1;
      continue;
    }
    const bool is_name = is_of_names(operation.kind);
    const bool is_durable =
        is_name ? std::ranges::any_of(operation.sets,
                                      [&](const auto& s) { return is_synced[s.first.first] != 0; })
                : is_synced[operation.object] != 0;
    const auto chance = base::join_keys(draw, i) % 4;
    if (is_durable || loss == Loss::kNothing) {
      kept[i] = kKept;
    } else if (loss == Loss::kAll) {
      kept[i] = kLost;
    } else if (is_name) {
      kept[i] = (loss == Loss::kLate ? i < until : chance < 2) ? kKept : kLost;
    } else {
      const bool is_write = operation.kind == FileOperation::kWrite;
      kept[i] = chance < 2 ? kLost : (chance == 2 && is_write ? kTorn : kKept);
    }
  }
  keep_what_names_need(kept);
  return kept;
}

std::string CrashStates::bytes_of(std::size_t object, const std::vector<char>& kept,
                                  std::uint64_t draw) const {
  auto bytes = objects_[object].bytes;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto& operation = operations_[i];
    if (operation.object != object || kept[i] == kLost) continue;
    const auto offset = static_cast<std::size_t>(operation.offset);
    if (operation.kind == FileOperation::kTruncate) {
      bytes.resize(offset, '\0');
    } else if (operation.kind == FileOperation::kWrite && kept[i] == kTorn) {
      write_torn(bytes, operation.offset, operation.first, base::join_keys(draw, i));
    } else if (operation.kind == FileOperation::kWrite) {
      const auto end = offset + operation.first.size();
      if (bytes.size() < end) bytes.resize(end, '\0');
      bytes.replace(offset, operation.first.size(), operation.first);
    }
  }
  return bytes;
}

Tree CrashStates::after_crash(std::size_t count, Loss loss, std::uint64_t draw) const {
  const auto kept = this->kept(count, loss, draw);
  auto names = before_;
  for (std::size_t i = 0; i < count; ++i) {
    if (kept[i] == kLost) continue;
    for (const auto& [entry, object] : operations_[i].sets) {
      if (object == kNothing) {
        names.erase(entry);
      } else {
        names[entry] = object;
      }
    }
  }
  Tree tree;
  std::vector<std::pair<std::size_t, std::string>> folders = {{kRoot, ""}};
  while (!folders.empty()) {
    const auto [folder, path] = folders.back();
    folders.pop_back();
    for (auto at = names.lower_bound({folder, ""}); at != names.end() && at->first.first == folder;
         ++at) {
      const auto name = path + at->first.second;
      if (objects_[at->second].is_folder) {
        tree[name + "/"];
        folders.emplace_back(at->second, name + "/");
      } else {
        tree[name] = bytes_of(at->second, kept, draw);
      }
    }
  }
  return tree;
}

}  // namespace banter::tests
