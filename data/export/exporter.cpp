#include "data/export/exporter.h"

#include <utility>

#include "base/errors.h"
#include "base/signals.h"
#include "data/export/json_lines.h"
#include "data/formats/formats.h"

namespace banter::data {

Exporter::Exporter(ExportForm form, bool one_kind, const std::filesystem::path& scratch,
                   LineOutput& output)
    : form_(form), one_kind_(one_kind), seen_(scratch), output_(output) {}

void Exporter::add(Record&& record) {
  base::throw_if_stopped();
  std::visit([&](auto& one) { add_one(std::move(one)); }, record);
}

void Exporter::add_one(Dialogue&& dialogue) {
  if (form_ == ExportForm::kPairs) return;
  if (form_ == ExportForm::kRankings) return add_rankings(dialogue);
  if (one_kind_ && counts_.pairs > 0) refuse_two_kinds();
  keep_unique(dialogue.id, LineKind::kDialogue, ++counts_.dialogues);
  write(LineKind::kDialogue, to_json_line(dialogue));
}

void Exporter::add_one(Pair&& pair) {
  if (form_ == ExportForm::kDialogues || form_ == ExportForm::kRankings) return;
  if (one_kind_ && counts_.dialogues > 0) refuse_two_kinds();
  keep_unique(pair.id, LineKind::kPair, ++counts_.pairs);
  write(LineKind::kPair, to_json_line(pair));
}

void Exporter::add_rankings(const Dialogue& dialogue) {
  for (std::size_t turn = 0; turn < dialogue.turns.size(); ++turn) {
    if (dialogue.turns[turn].distractors.empty()) continue;
    ++counts_.rankings;
    write(LineKind::kDialogue, to_ranking_line(dialogue, turn));
  }
}

void Exporter::keep_unique(std::string& id, LineKind kind, std::uint64_t number) {
  const std::string scope(1, kind == LineKind::kDialogue ? 'd' : 'p');
  if (!seen_.add(scope + id)) return;
  ++counts_.renamed;
  const auto known = id + '+';
  do {
    id = known + std::to_string(number++);
  } while (seen_.add(scope + id));
}

void Exporter::write(LineKind kind, const std::string& line) {
  if (std::ssize(line) > ReadLimits{}.max_line_bytes) ++counts_.long_lines;
  output_.write(kind, line);
}

void refuse_two_kinds() {
  throw base::UsageError(
      "banter export-data: there are dialogues and pairs, and a stream of both is read by nothing: "
      "say --to dialogues or --to pairs, or --output FILE, which puts the pairs into a file beside "
      "it (or --to all, which mixes them)");
}

}  // namespace banter::data
