#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/dialogue.h"
#include "data/formats/formats.h"
#include "data/input/sources.h"

/// Corpora that tests make: whole ones and faulty ones.
namespace banter::tests {

void write_file(const std::filesystem::path& path, std::string_view bytes);
std::string read_whole(const std::filesystem::path& path);

/// Changes the lowest bit of a file's first byte.
void flip_a_bit(const std::filesystem::path& path);

std::string gzip(std::string_view bytes);

/// One member of an archive.
struct Member {
  enum class Kind : std::uint8_t { kFile, kSymlink, kHardlink, kPipe, kSparse };
  std::string name;
  std::string content;  ///< of a file (kSparse: behind a hole); of a link, where it points
  Kind kind = Kind::kFile;
};
std::string tar(const std::vector<Member>& members);
std::string zip(const std::vector<Member>& members);
std::string encrypted_zip(const std::vector<Member>& members);

/// One line of JSON Lines: id, and turns by A and B in turn.
std::string json_line(std::string_view id, const std::vector<std::string>& texts);

/// What a reader makes of a file: the records, and the problems as text.
struct Reading {
  std::vector<data::Dialogue> dialogues;
  std::vector<data::Pair> pairs;
  std::vector<std::string> problems;  ///< "skip|note|count <text>", in order of their rules
  std::uint64_t lost = 0;
  std::uint64_t passed_over = 0;
  std::string format, why, damage;
};
/// Whether a problem was told that holds a text.
bool tells(const Reading& reading, std::string_view text);

/// "A: hello" for each turn.
std::vector<std::string> lines_said(const data::Dialogue& dialogue);
/// "A: hello | B: hi".
std::string said(const data::Dialogue& dialogue);

/// Every stream of every file of a source.
void for_each_stream(const std::filesystem::path& path, const data::SourceEvents& events,
                     const data::StreamVisitor& visit, const std::string& shown);

Reading read_corpus(const std::filesystem::path& path, const std::string& format = "auto",
                    const data::ReadLimits& limits = {});

}  // namespace banter::tests
