#pragma once

#include <functional>
#include <string>

#include "data/formats/formats.h"
#include "data/options.h"
#include "data/preparation/seen_keys.h"
#include "data/problems.h"
#include "data/record.h"

namespace banter::data {

/// Takes what is left of a corpus, with its place.
using RecordSink = std::function<void(Record&&, const Place&)>;

/// Stands between a format's reader and who wants the records, for one stream: cleans, leaves out
/// what gives no reply and what repeats an id, and tells of copies: of dialogues where a format has
/// no ids, of pairs always, and of pairs whose texts had another label.
class RecordFilter : public Receiver {
 public:
  /// Ids are compared among all filters of one `scope` that share `seen`. All but `scope` must
  /// outlive the filter.
  RecordFilter(const CleaningOptions& cleaning, Ids ids, std::string scope, SeenKeys& seen,
               Problems& problems, const RecordSink& sink)
      : cleaning_(cleaning),
        ids_(ids),
        scope_(std::move(scope)),
        seen_(seen),
        problems_(problems),
        sink_(sink) {}

  void problem(const Problem& problem) override { problems_.add(problem); }
  void record(Record&& record, const Place& place) override;

 private:
  [[nodiscard]] bool keeps(Dialogue& dialogue, const Place& place);
  [[nodiscard]] bool keeps(const Pair& pair, const Place& place);
  [[nodiscard]] bool repeats_an_id(const std::string& id, std::uint64_t mark, const Place& place);
  void tell_copy(const Dialogue& dialogue, Severity severity, const Place& place);
  void tell_copy(const Pair& pair, const Place& place);
  void note_silent_personas(const Dialogue& dialogue, const Place& place);

  const CleaningOptions& cleaning_;
  Ids ids_;
  std::string scope_;
  SeenKeys& seen_;
  Problems& problems_;
  const RecordSink& sink_;
};

}  // namespace banter::data
