#include "data/preparation/corpus.h"

#include <utility>

#include "base/errors.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "data/input/sources.h"
#include "data/store/store.h"

namespace banter::data {
namespace {

constexpr std::size_t kMaxEmptyBytes = 64;  // of an array without elements
constexpr const char* kUtf16 = ": is UTF-16, not UTF-8: convert it, for example with iconv";

/// Whether a stream begins like UTF-16: with its mark, or with two letters of which every other
/// byte is zero.
bool is_utf16(InputStream& stream) {
  const auto head = stream.peek(4);
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) return true;
  const auto letter = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  };
  return head.size() == 4 &&
         ((head[0] == 0 && letter(head[1]) && head[2] == 0 && letter(head[3])) ||
          (letter(head[0]) && head[1] == 0 && letter(head[2]) && head[3] == 0));
}

/// Why there is nothing in a stream whose format cannot be told, "" when there is something.
/// Throws   DamagedInput, if that is why there is nothing
std::string_view emptiness(InputStream& stream) {
  std::string text(stream.peek(kMaxEmptyBytes));
  if (text.size() == kMaxEmptyBytes) return "";
  const auto size = text.size();
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  std::erase_if(text, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
  if (size > 0 && text != "[]") return "";
  stream.consume(size);
  stream.chunk();
  return size == 0 ? "an empty file" : "an empty JSON array: no dialogues and no pairs";
}

}  // namespace

CorpusReader::CorpusReader(const CleaningOptions& cleaning, const ReadLimits& limits,
                           const std::filesystem::path& scratch, Problems& problems)
    : cleaner_(cleaning, problems), limits_(limits), problems_(problems), seen_(scratch) {
  if (cleaning.duplicates != "keep")
    duplicates_.emplace(seen_, std::string("duplicate") + '\0',
                        cleaning.duplicates == "exact" ? Likeness::kExact : Likeness::kNormalised);
}

void CorpusReader::read(const SourceOptions& source, const RecordSink& sink,
                        const std::function<void(std::uint64_t)>& bytes,
                        const std::filesystem::path& file) {
  summary_ = {};
  const std::string source_scope = std::to_string(sources_++) + '\0';
  const Format* wanted = source.format == "auto" ? nullptr : &format_named(source.format);
  std::error_code unreadable;  // opening it tells why
  const bool one_file = std::filesystem::is_regular_file(file, unreadable);
  if (is_store(file)) return read_store(file, sink, bytes);
  bool any_empty = false;
  std::string hint;

  const auto visit = [&](InputStream& stream) {
    ++summary_.streams;
    const bool is_the_source = one_file && stream.place().member.empty();
    const bool plain_is_named = wanted != nullptr && wanted->is_plain;
    const auto recognition = recognise(stream, is_the_source || plain_is_named);
    const Format* format = recognition.format;
    if (format == nullptr) {
      if (const auto why = emptiness(stream); !why.empty()) {
        problems_.add({stream.place(), Severity::kNote, why, "", 0});
        any_empty = true;
        return;
      }
    }
    // A file that the user names with a format is read as that; a folder or an archive may hold
    // other things beside.
    if (wanted != nullptr && (is_the_source || format != wanted))
      format = is_the_source ? wanted : nullptr;
    const bool utf16 = is_utf16(stream);
    if (utf16 && (is_the_source || format != nullptr))  // one sentence instead of a bad line each
      throw DamagedInput(stream.place().text() + kUtf16);
    if (format == nullptr) {
      ++summary_.passed_over;
      if (utf16) {
        problems_.add({stream.place(), Severity::kNote,
                       "a file is UTF-16, not UTF-8: it is passed over", "", 0});
        hint = stream.place().text() + kUtf16 + "; ";
      }
      return;
    }
    if (summary_.format.empty()) {
      summary_.format = format->name;
      summary_.why = format == recognition.format ? recognition.why : "it is named so";
    }
    std::string scope = source_scope;
    if (format->ids == Ids::kInFile) scope += stream.place().file + '\0' + stream.place().member;
    RecordFilter filter(cleaner_, duplicates_ ? &*duplicates_ : nullptr, format->ids, scope + '\0',
                        seen_, problems_, sink);
    format->read(stream, limits_, filter);
  };
  const SourceEvents events{[&](const Problem& problem) { problems_.add(problem); }, bytes};
  for_each_stream(file, events, visit, source.path);

  if (summary_.streams == 0)
    problems_.add({{source.path, "", 0, 0},
                   Severity::kNote,
                   "no dialogues: it holds no file to read",
                   "",
                   0});
  else if (summary_.format.empty() && !any_empty)
    throw base::DataError(base::printable(source.path, 1000) + ": holds no known format; " + hint +
                          "known: " + known_formats());
}

/// A store is read again as what it was made from: cleaned once more, in its own splits.
void CorpusReader::read_store(const std::filesystem::path& folder, const RecordSink& sink,
                              const std::function<void(std::uint64_t)>& bytes) {
  const auto store = Store::open(folder);
  store.verify(bytes);
  summary_.format = store.format();
  summary_.why = "it is a store";
  for (const auto& split : store.splits()) {
    ++summary_.streams;
    summary_.split = split.name();
    Place place{folder.string(), split.name(), 0, 0};
    RecordFilter filter(cleaner_, duplicates_ ? &*duplicates_ : nullptr, Ids::kNone, "", seen_,
                        problems_, sink);
    for (place.element = 1; place.element <= split.dialogues(); ++place.element) {
      base::throw_if_stopped();
      filter.record(split.record(place.element - 1), place);
    }
    for (place.element = 1; place.element <= split.pairs(); ++place.element) {
      base::throw_if_stopped();
      filter.record(split.pair_record(place.element - 1), place);
    }
  }
  summary_.split.clear();
}

std::string known_formats() {
  std::string known;
  for (const auto& format : formats()) {
    if (!known.empty()) known += "; ";
    known += std::string(format.name) + " (" + std::string(format.about) + ")";
  }
  return known;
}

}  // namespace banter::data
