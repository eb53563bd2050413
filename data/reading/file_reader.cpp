#include "data/reading/file_reader.h"

#include <algorithm>
#include <utility>

#include "data/input/sources.h"

namespace banter::data {
namespace {

constexpr std::size_t kMaxEmptyBytes = 64;  // of an array without elements

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

/// Hands on what a format's reader finds.
class Handing : public Receiver {
 public:
  explicit Handing(const std::function<void(FoundItem&&)>& take) : take_(take) {}
  void record(Record&& record, const Place& place) override {
    take_(FoundRecord{std::move(record), place});
  }
  void problem(const Problem& problem) override { take_(problem); }

 private:
  const std::function<void(FoundItem&&)>& take_;
};

void read_stream(InputStream& stream, const FileReading& how,
                 const std::function<void(FoundItem&&)>& take) {
  using Kind = StreamFound::Kind;
  const bool is_the_source = how.is_the_source && stream.place().member.empty();
  const bool plain_is_named = how.wanted != nullptr && how.wanted->is_plain;
  const auto recognition = recognise(stream, is_the_source || plain_is_named);
  const Format* format = recognition.format;
  if (format == nullptr)
    if (const auto why = emptiness(stream); !why.empty())
      return take(StreamFound{Kind::kEmpty, stream.place(), nullptr, why});
  // A file that the user names with a format is read as that; a folder or an archive may hold
  // other things beside.
  if (how.wanted != nullptr && (is_the_source || format != how.wanted))
    format = is_the_source ? how.wanted : nullptr;
  const bool utf16 = is_utf16(stream);
  if (utf16 && (is_the_source || format != nullptr))  // one sentence instead of a bad line each
    throw DamagedInput(stream.place().text() + kUtf16);
  if (format == nullptr)
    return take(StreamFound{utf16 ? Kind::kPassedUtf16 : Kind::kPassedOver, stream.place(), nullptr,
                            std::string_view()});
  take(StreamFound{Kind::kRead, stream.place(), format,
                   format == recognition.format ? recognition.why : "it is named so"});
  Handing handing(take);
  format->read(stream, how.limits, handing);
}

}  // namespace

void read_found(const std::filesystem::path& file, const std::string& name, const Place& place,
                const FileReading& how, const std::function<void(FoundItem&&)>& take) {
  const SourceEvents events{[&](const Problem& problem) { take(problem); },
                            [&](std::uint64_t bytes) { take(BytesRead{bytes}); }};
  read_file_streams(file, name, place, events,
                    [&](InputStream& stream) { read_stream(stream, how, take); });
}

}  // namespace banter::data
