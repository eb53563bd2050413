#include "tests/data/made_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include <archive.h>
#include <archive_entry.h>

#include "base/json.h"
#include "data/input/stream.h"
#include "data/reading/corpus.h"

namespace banter::tests {
namespace {

struct WriteFree {
  void operator()(archive* a) const { archive_write_free(a); }
};

void must(bool ok) {
  if (!ok) throw std::runtime_error("libarchive cannot make a test file");
}

/// Writes members into memory with the format and filter that `set` chooses.
template <typename Set>
std::string pack(const std::vector<Member>& members, const Set& set) {
  std::string bytes(std::size_t{64} << 20, '\0');
  std::size_t used = 0;
  {
    const std::unique_ptr<archive, WriteFree> a(archive_write_new());
    set(a.get());
    must(archive_write_open_memory(a.get(), bytes.data(), bytes.size(), &used) == ARCHIVE_OK);
    for (const auto& member : members) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, member.name.c_str());
      archive_entry_set_perm(entry, 0644);
      archive_entry_set_filetype(entry, AE_IFREG);
      const bool is_sparse = member.kind == Member::Kind::kSparse;
      const bool is_file = member.kind == Member::Kind::kFile || is_sparse;
      const auto hole = is_sparse ? std::string(1 << 16, '\0') : std::string();
      const auto content = hole + member.content;
      archive_entry_set_size(entry, is_file ? static_cast<la_int64_t>(content.size()) : 0);
      if (is_sparse)
        archive_entry_sparse_add_entry(entry, static_cast<la_int64_t>(hole.size()),
                                       static_cast<la_int64_t>(member.content.size()));
      if (member.kind == Member::Kind::kSymlink) {
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_set_symlink(entry, member.content.c_str());
      } else if (member.kind == Member::Kind::kHardlink) {
        archive_entry_set_hardlink(entry, member.content.c_str());
      } else if (member.kind == Member::Kind::kPipe) {
        archive_entry_set_filetype(entry, AE_IFIFO);
      }
      must(archive_write_header(a.get(), entry) == ARCHIVE_OK);
      if (is_file && !content.empty())
        must(archive_write_data(a.get(), content.data(), content.size()) >= 0);
      archive_entry_free(entry);
    }
    must(archive_write_close(a.get()) == ARCHIVE_OK);
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

void flip_a_bit(const std::filesystem::path& path) {
  auto bytes = read_whole(path);
  bytes.at(0) = static_cast<char>(bytes.at(0) ^ 1);
  write_file(path, bytes);
}

std::string gzip(std::string_view bytes) {
  return pack({{"x", std::string(bytes), Member::Kind::kFile}}, [](archive* a) {
    must(archive_write_add_filter_gzip(a) == ARCHIVE_OK);
    must(archive_write_set_format_raw(a) == ARCHIVE_OK);
  });
}

std::string tar(const std::vector<Member>& members) {
  return pack(members, [](archive* a) {
    must(archive_write_set_format_pax_restricted(a) == ARCHIVE_OK);  // ustar where that is enough
  });
}

std::string zip(const std::vector<Member>& members) {
  return pack(members, [](archive* a) { must(archive_write_set_format_zip(a) == ARCHIVE_OK); });
}

std::string encrypted_zip(const std::vector<Member>& members) {
  return pack(members, [](archive* a) {
    must(archive_write_set_format_zip(a) == ARCHIVE_OK);
    must(archive_write_set_options(a, "zip:encryption=traditional") == ARCHIVE_OK);
    must(archive_write_set_passphrase(a, "secret") == ARCHIVE_OK);
  });
}

std::string json_line(std::string_view id, const std::vector<std::string>& texts) {
  base::json::array turns;
  for (std::size_t i = 0; i < texts.size(); ++i)
    turns.push_back({{"speaker", i % 2 == 0 ? "A" : "B"}, {"text", texts[i]}});
  return base::json::serialize(base::json::object{{"id", id}, {"turns", std::move(turns)}}) + "\n";
}

namespace {
std::string kind(data::Severity severity) {
  switch (severity) {
    case data::Severity::kSkip:
      return "skip ";
    case data::Severity::kNote:
      return "note ";
    case data::Severity::kCount:
      return "count ";
  }
  return "";
}
}  // namespace

Reading read_corpus(const std::filesystem::path& path, const std::string& format,
                    const data::ReadLimits& limits) {
  Reading reading;
  data::Problems problems;
  data::CorpusReader reader({}, limits, std::filesystem::temp_directory_path(), problems);
  try {
    reader.read(
        {path.string(), "auto", format},
        [&](data::Record&& record, const data::Place&) {
          if (auto* dialogue = std::get_if<data::Dialogue>(&record))
            reading.dialogues.push_back(std::move(*dialogue));
          else
            reading.pairs.push_back(std::move(std::get<data::Pair>(record)));
        },
        [](std::uint64_t) {}, path);
  } catch (const data::DamagedInput& damage) {
    reading.damage = damage.what();
  }
  reading.format = reader.summary().format;
  reading.why = reader.summary().why;
  reading.passed_over = reader.summary().passed_over;
  for (const auto& [rule, count] : problems.by_rule())
    for (const auto& text : count.first) reading.problems.push_back(kind(count.severity) + text);
  reading.lost = problems.records_lost();
  return reading;
}

bool tells(const Reading& reading, std::string_view text) {
  return std::ranges::any_of(reading.problems, [&](const std::string& problem) {
    return problem.find(text) != std::string::npos;
  });
}

std::vector<std::string> lines_said(const data::Dialogue& dialogue) {
  std::vector<std::string> lines;
  for (const auto& turn : dialogue.turns) lines.push_back(turn.speaker + ": " + turn.text);
  return lines;
}

std::string said(const data::Dialogue& dialogue) {
  std::string text;
  for (const auto& line : lines_said(dialogue)) text += (text.empty() ? "" : " | ") + line;
  return text;
}

void for_each_stream(const std::filesystem::path& path, const data::SourceEvents& events,
                     const data::StreamVisitor& visit, const std::string& shown) {
  data::for_each_file(path, events.problem,
                      [&](const std::filesystem::path& file, const std::string& name) {
                        const data::Place place{file == path ? shown : file.string(), "", 0, 0};
                        data::read_file_streams(file, name, place, events, visit);
                      });
}

}  // namespace banter::tests
