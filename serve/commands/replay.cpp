#include "serve/commands/replay.h"

#include <filesystem>
#include <iostream>
#include <map>

#include "base/errors.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "models/decoding/reply.h"
#include "serve/archive/archive.h"
#include "serve/commands/model_options.h"
#include "serve/protocol/json_writer.h"
#include "serve/sessions/asked_turn.h"

namespace banter::serve {
namespace {

/// Stored replies that were made again.
struct ReplayCounts {
  std::int64_t same = 0, different = 0;
  std::int64_t passed_over = 0;  ///< ended by a person, a deadline or a fault
  std::int64_t of_others = 0;    ///< of the different ones: made by another checkpoint
};

bool ended_by_itself(const TurnRow& reply) {
  return reply.finish == name_of(Finish::kStop) || reply.finish == name_of(Finish::kLength);
}

/// The turns that a reply answered: of each the version that was the latest then.
std::vector<data::Context::Row> context_of(const std::vector<TurnRow>& dialogue,
                                           const TurnRow& reply, const ServedModel& model) {
  std::map<std::int64_t, const TurnRow*> said;
  for (const auto& turn : dialogue)
    if (turn.turn < reply.turn && turn.created <= reply.created && !turn.text.empty())
      said[turn.turn] = &turn;
  std::vector<data::Context::Row> rows;
  rows.reserve(said.size());
  for (const auto& [number, turn] : said)
    rows.push_back({.ids = model.tokenizer->encode(turn->text),
                    .speaker = turn->role == TurnRole::kUser ? kUserSpeaker : kReplySpeaker});
  return rows;
}

/// Throws   base::Error when the model fails
std::string made_again(const std::vector<TurnRow>& dialogue, const TurnRow& reply,
                       const ServedModel& model) {
  const auto decode = stored_settings(reply.decode, model.decode);
  auto turn = asked_turn(model, decode, static_cast<std::int64_t>(reply.seed),
                         stored_persona(reply.persona).facts);
  turn.context.turns = context_of(dialogue, reply, model);
  model.rows->add(1, turn);
  std::vector<EndedRows> ended;
  while (ended.empty()) ended = model.rows->step([](std::uint64_t, const TurnProgress&) {});
  const auto& best = ended.front().replies.best;
  return best.empty() ? "" : models::text_of(best.front(), *model.tokenizer);
}

void show_difference(const TurnRow& reply, const std::string& text, bool as_json) {
  if (as_json) {
    JsonWriter line;
    line.open('{');
    line.field("session", reply.session);
    line.field("dialogue", reply.dialogue);
    line.field("turn", reply.turn);
    line.field("version", reply.version);
    line.field("revision", reply.revision);
    line.field("stored", reply.text);
    line.field("made", text);
    line.close('}');
    std::cout << line.take() << '\n';
    return;
  }
  constexpr std::size_t kShown = 200;
  std::cout << reply.session << " dialogue " << reply.dialogue << " turn " << reply.turn
            << " version " << reply.version << " (" << reply.revision
            << ")\n  stored: " << base::printable(reply.text, kShown)
            << "\n  made:   " << base::printable(text, kShown) << '\n';
}

void replay_dialogue(const std::vector<TurnRow>& dialogue, const ServedModel& model,
                     ReplayCounts& counts, bool as_json) {
  for (const auto& reply : dialogue) {
    base::throw_if_stopped();
    if (reply.role == TurnRole::kUser) continue;
    if (!ended_by_itself(reply)) {
      ++counts.passed_over;
      continue;
    }
    const auto text = made_again(dialogue, reply, model);
    if (text == reply.text) {
      ++counts.same;
      continue;
    }
    ++counts.different;
    if (reply.revision != model.name.revision) ++counts.of_others;
    show_difference(reply, text, as_json);
  }
}

void show_counts(const ReplayCounts& counts, bool as_json) {
  if (as_json) {
    JsonWriter line;
    line.open('{');
    line.field("same", counts.same);
    line.field("different", counts.different);
    line.field("of_other_revisions", counts.of_others);
    line.field("passed_over", counts.passed_over);
    line.close('}');
    std::cout << line.take() << '\n';
    return;
  }
  std::cout << counts.same << " replies are the same, " << counts.different << " are not";
  if (counts.of_others > 0)
    std::cout << " (" << counts.of_others << " of them were made by another checkpoint)";
  if (counts.passed_over > 0)
    std::cout << "; " << counts.passed_over << " were cancelled or cut short";
  std::cout << '\n';
}

}  // namespace

int replay(const std::vector<std::string>& arguments, const LoadModel& load) {
  configs::CommandLine line(
      "banter replay",
      "Makes the replies of stored conversations again, each from its stored seed, settings and\n"
      "persona behind the turns that stood before it, and shows those that differ. Exit code 1 "
      "when\n"
      "some do that this checkpoint made. No server may have the archive open.",
      "banter replay runs/chat\n"
      "banter replay runs/chat@step-2000 --archive talks.sqlite --session "
      "s-724b8baa10af701778dd438e");
  line.with_json();
  ServedRun served;
  std::string archive_name, wanted;
  line.app.add_option("run", served.run, "run folder, or RUN@step-N: the checkpoint to ask")
      ->required();
  line.app.add_option("--archive", archive_name,
                      "where conversations are (default: conversations.sqlite in RUN)");
  line.app.add_option("--session", wanted, "only this one")->type_name("ID");
  add_model_options(line.app, served);
  if (!line.parse(arguments)) return 0;
  if (archive_name.empty()) archive_name = usual_archive(served.run);
  const bool is_file = archive_name.find("://") == std::string::npos;
  if (is_file && !std::filesystem::exists(archive_name))
    throw base::FileError(archive_name + ": there is no such archive; name it with --archive");

  const auto model = load(served, {});
  const auto archive = open_archive(archive_name);
  ReplayCounts counts;
  bool is_found = wanted.empty();
  for (const auto& session : archive->sessions()) {
    if (!wanted.empty() && session.id != wanted) continue;
    is_found = true;
    for (std::int64_t dialogue = 0; dialogue <= session.dialogue; ++dialogue)
      replay_dialogue(archive->dialogue(session.id, dialogue), *model, counts, line.common.json);
  }
  if (!is_found) throw base::UsageError("the archive has no session " + base::printable(wanted));
  show_counts(counts, line.common.json);
  return counts.different > counts.of_others ? 1 : 0;
}

}  // namespace banter::serve
