#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "data/input/archive.h"
#include "data/input/stream.h"
#include "data/problems.h"

namespace banter::data {

/// What `read_file_streams` tells besides the streams. Every member must be set.
struct SourceEvents {
  ProblemSink problem;                       ///< refused members, bytes left over
  std::function<void(std::uint64_t)> bytes;  ///< so many more bytes of the files are done
};

/// Gives a file of a source, whose `name` and place are given, to `visit` as streams of unpacked
/// bytes, in a fixed order. It may be gzip, tar, tar in gzip, or zip, and a member of an archive
/// gzip; what it is its bytes say, never its name. No further layer of packing is opened.
/// Throws   FileError; DamagedInput for a cut or damaged file
void read_file_streams(const std::filesystem::path& file, const std::string& name,
                       const Place& place, const SourceEvents& events, const StreamVisitor& visit);

/// The regular files of a source with their names in it, in the order they are read.
///
/// A source is a file, a folder (read whole, sorted by name, links and devices refused), or a
/// pattern (see patterns.h) of files and folders.
/// Throws   FileError when the path is missing, unreadable, or neither file nor folder, or a
///          pattern that matches nothing
void for_each_file(
    const std::filesystem::path& path, const ProblemSink& problem,
    const std::function<void(const std::filesystem::path& file, const std::string& name)>& visit);

/// Whether a source reads a path, there or not: it is the source, or lies in its folder or in what
/// its pattern matches.
bool is_read_with(const std::filesystem::path& path, const std::filesystem::path& source);

}  // namespace banter::data
