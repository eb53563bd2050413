#include "data/formats/formats.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/errors.h"
#include "base/utf8.h"
#include "data/formats/json/chitchat.h"
#include "data/formats/json/jsonl.h"
#include "data/formats/json/personal_dialog.h"
#include "data/formats/pairs/dialogue_nli.h"
#include "data/formats/pairs/kvpi.h"
#include "data/formats/pairs/mnli.h"
#include "data/formats/pairs/pairs.h"
#include "data/formats/runs/irc.h"
#include "data/formats/runs/opensubtitles.h"
#include "data/formats/runs/subtitle_lines.h"
#include "data/formats/turns/convai2.h"
#include "data/formats/turns/eou_text.h"
#include "data/formats/turns/tsv.h"
#include "data/formats/turns/ubuntu_v1.h"
#include "data/formats/turns/ubuntu_v2.h"

namespace banter::data {
namespace {

// Asked in this order: the narrow forms first.
constexpr std::array kFormats = {
    Format{"ubuntu_v1", "Ubuntu Dialogue Corpus v1, dialogs/N/M.tsv", &recognises_ubuntu_v1,
           &read_ubuntu_v1, Holds::kDialogues, Ids::kInSource, /*is_plain=*/false,
           &recognises_name_of_ubuntu_v1},
    Format{"convai2", "ConvAI2 and PersonaChat text, numbered lines", &recognises_convai2,
           &read_convai2, Holds::kDialogues, Ids::kNone},
    Format{"kvpi", "KvPI, profile [SEP] reply and a label in seven columns", &recognises_kvpi,
           &read_kvpi, Holds::kPairs, Ids::kNone},
    Format{"ubuntu_v2", "Ubuntu Dialogue Corpus v2, CSV", &recognises_ubuntu_v2, &read_ubuntu_v2,
           Holds::kDialogues, Ids::kNone},
    Format{"opensubtitles", "OpenSubtitles XML of OPUS, a film a document",
           &recognises_opensubtitles, &read_opensubtitles, Holds::kDialogues, Ids::kByName},
    Format{"irc", "IRC log, [HH:MM] <nick> text", &recognises_irc, &read_irc, Holds::kDialogues,
           Ids::kByName},
    Format{"chitchat", "chitchat-dataset JSON", &recognises_chitchat, &read_chitchat,
           Holds::kDialogues, Ids::kInFile},
    Format{"personal_dialog", "PersonalDialog JSON: dialog, profile and uid",
           &recognises_personal_dialog, &read_personal_dialog, Holds::kDialogues, Ids::kNone},
    Format{"mnli", "MNLI and SNLI, JSON Lines or tab-separated under a header", &recognises_mnli,
           &read_mnli, Holds::kPairs, Ids::kInFile},
    Format{"dialogue_nli", "Dialogue NLI, a JSON array or one pair a line",
           &recognises_dialogue_nli, &read_dialogue_nli, Holds::kPairs, Ids::kInFile},
    Format{"pairs", "JSON Lines, one sentence pair a line", &recognises_pairs, &read_pairs,
           Holds::kPairs, Ids::kInFile},
    Format{"jsonl", "JSON Lines, one dialogue a line", &recognises_jsonl, &read_jsonl,
           Holds::kDialogues, Ids::kInFile},
    Format{"eou_text", "a dialogue a line, __eou__ behind each turn", &recognises_eou_text,
           &read_eou_text, Holds::kDialogues, Ids::kNone},
    Format{"tsv", "TSV, a dialogue a line, a turn a column", &recognises_tsv, &read_tsv,
           Holds::kDialogues, Ids::kNone, true},
    Format{"subtitle_lines", "plain text, one subtitle a line", &recognises_subtitle_lines,
           &read_subtitle_lines, Holds::kDialogues, Ids::kNone, /*is_plain=*/true},
};

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format& format_named(std::string_view name) {
  const auto found = std::ranges::find(kFormats, name, &Format::name);
  if (found != kFormats.end()) return *found;
  std::string known;
  for (const auto& format : kFormats) known += " " + std::string(format.name);
  throw base::DataError("format \"" + std::string(name) + "\" is unknown; known:" + known);
}

Recognition recognise(InputStream& stream, bool alone) {
  auto head = stream.peek(kHeadBytes);
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  for (const auto& format : kFormats)
    if (alone || !format.is_plain)
      if (const auto why = format.recognises(head); !why.empty()) return {&format, why};
  for (const auto& format : kFormats)
    if (format.recognises_name != nullptr)
      if (const auto why = format.recognises_name(stream.name()); !why.empty())
        return {&format, why};
  // Its reader says what is wrong with it, or that it is another kind of document.
  if (alone && head.starts_with("<?xml")) return {&format_named("opensubtitles"), "XML"};
  return {};
}

bool drop_true_distractors(Turn& turn) { return std::erase(turn.distractors, turn.text) > 0; }

std::string_view text_fault(std::string_view text, std::string_view when_blank) {
  if (base::first_bad_utf8(text)) return "a text is not valid UTF-8";
  if (text.find('\0') != std::string_view::npos) return "a text holds NUL";
  if (base::is_blank(text)) return when_blank;
  return {};
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace banter::data
