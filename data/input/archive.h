#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string_view>

#include "data/input/stream.h"
#include "data/problems.h"

namespace banter::data {

using StreamVisitor = std::function<void(InputStream&)>;
using ProblemSink = std::function<void(const Problem&)>;

/// A header of a tar, or a part of a member.
constexpr std::size_t kTarBlock = 512;

/// Whether bytes begin like a tar archive (of any kind; also one without members; a block of it
/// must be there), or like a zip.
bool is_tar(std::string_view head);
bool is_zip(std::string_view head);

/// Gives every plain member of a tar to `visit` as a stream; nothing is ever unpacked to disk.
/// Links, devices, absolute names and names with ".." are refused and told; what stands behind the
/// end mark is told.
/// Throws   DamagedInput when the archive is cut or damaged, naming the member, or has no end mark
void read_tar(InputStream& stream, const ProblemSink& problem, const StreamVisitor& visit);

/// The same for a zip, which is read by its directory at the end.
void read_zip(const std::filesystem::path& path, const Place& place, const ProblemSink& problem,
              const StreamVisitor& visit);

}  // namespace banter::data
