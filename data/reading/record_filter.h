#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/cleaning/copies.h"
#include "data/formats/formats.h"
#include "data/problems.h"
#include "data/reading/file_reader.h"
#include "data/record.h"
#include "data/scratch/seen_keys.h"

namespace banter::data {

/// Takes what is left of a corpus, with its place.
using RecordSink = std::function<void(Record&&, const Place&)>;

/// Stands between what is found and cleaned and who wants the records, for one stream: leaves out
/// what gives no reply, what repeats an id, and copies where that is asked for; elsewhere it tells
/// of copies: of dialogues where a format has no ids, of pairs always, and of pairs whose texts had
/// another label.
class RecordFilter {
 public:
  /// Ids are compared among all filters of one `scope` that share `seen`. `duplicates`: of what is
  /// left out as a copy, nullptr = nothing is. All but `stream` and `scope` must outlive the
  /// filter.
  RecordFilter(const Place& stream, Copies* duplicates, Ids ids, const std::string& scope,
               SeenKeys& seen, Problems& problems, const RecordSink& sink)
      : stream_text_(stream.stream_text()),
        duplicates_(duplicates),
        ids_(ids),
        scope_(scope),
        seen_(seen),
        copies_(seen, scope + "text" + '\0', Likeness::kExact),
        problems_(problems),
        sink_(sink) {}

  void record(FoundRecord&& found);

 private:
  /// As `place.text()`, of a place in the stream.
  [[nodiscard]] std::string text_of(const Place& place) const {
    return stream_text_ + place.text_in_stream();
  }
  void run(std::vector<Dialogue> parts, const Place& place);
  /// Whether it goes to the sink; if not, that is told.
  [[nodiscard]] bool keeps(const Dialogue& dialogue, const Place& place);
  [[nodiscard]] bool keeps(const Pair& pair, const Place& place);
  [[nodiscard]] bool is_wanted(const Dialogue& dialogue, const Place& place);
  [[nodiscard]] bool has_reply(const Dialogue& dialogue, const Place& place);
  [[nodiscard]] bool repeats_an_id(const std::string& id, std::uint64_t mark, const Place& place);
  /// Whether it is left out as a copy. What is kept although it is one, is told.
  [[nodiscard]] bool is_unwanted_copy(const Dialogue& dialogue, const Place& place);
  [[nodiscard]] bool is_unwanted_copy(const Pair& pair, const Place& place);
  void tell_copy(const Pair& pair, const Place& place);
  void note_silent_personas(const Dialogue& dialogue, const Place& place);

  std::string stream_text_;
  Copies* duplicates_;
  Ids ids_;
  std::string scope_;
  SeenKeys& seen_;
  Copies copies_;  ///< in this scope
  Problems& problems_;
  const RecordSink& sink_;
};

}  // namespace banter::data
