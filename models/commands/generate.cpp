#include <deque>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "models/commands.h"
#include "models/commands/consistency_view.h"
#include "models/commands/given_context.h"
#include "models/commands/line_source.h"
#include "models/commands/model_arguments.h"
#include "models/commands/nli_argument.h"
#include "models/commands/reply_json.h"
#include "models/decoding/decoder.h"
#include "models/decoding/mmi.h"
#include "models/decoding/search_input.h"

namespace banter::models {
namespace {

namespace json = base::json;

/// Lines in, replies out in the same order: lines are read as rows get free, and replies that end
/// before their turn wait.
class Generator {
 public:
  /// `prefix`: of the replies to lines that bring none. `reranker`: or nothing. `judge`: of replies
  /// as JSON, or null.
  Generator(LoadedModel& loaded, const DecodingOptions& options, std::string prefix,
            Reranker reranker, ConsistencyJudge* judge, const DecodeLimits& limits, bool as_json,
            LineSource& lines, base::Progress& progress)
      : loaded_(loaded),
        options_(options),
        wording_(std::make_shared<Wording>(options, loaded.tokenizer)),
        prefix_(std::move(prefix)),
        reranker_(std::move(reranker)),
        judge_(judge),
        limits_(limits),
        as_json_(as_json),
        lines_(lines),
        progress_(progress) {
    options_.with_log_probs = as_json_;
  }

  void run() {
    // decode ends whenever no line is there: then, and only then, this waits for one.
    for (auto line = lines_.next(); line; line = lines_.next()) {
      take(*line);
      decode(
          *loaded_.model, loaded_.batch, limits_, [this] { return next(); },
          [this](Replies replies) { done(std::move(replies)); });
      if (bad_line_) std::rethrow_exception(bad_line_);
    }
  }

 private:
  struct Asked {
    json::value id;
    std::int64_t turns = 0;
    std::vector<std::string> facts{};
    std::optional<Replies> replies{};              ///< nothing until they are there
    std::vector<std::vector<Judgement>> judged{};  ///< reply by reply, where somebody judges
  };

  /// Reads a line; a bad one ends the reading, but not the replies that are on the way.
  void take(const std::string& line) {
    if (base::is_blank(line)) return;
    try {
      auto given = parse_context(line, lines_.where());
      auto context = to_ids(given, loaded_, lines_.where());
      auto prefix = prefix_ids(given);
      const auto number = ++last_number_;
      ready_ = Request{.number = number,
                       .context = std::move(context),
                       .options = options_,
                       .composed = std::nullopt,
                       .prefix = std::move(prefix),
                       .wording = wording_,
                       .reranker = reranker_};
      ready_->options.seed = given.seed.value_or(base::join_keys(options_.seed, number));
      asked_[number] = {.id = std::move(given.id),
                        .turns = static_cast<std::int64_t>(given.turns.size()),
                        .facts = std::move(given.facts)};
    } catch (const base::Error&) {
      bad_line_ = std::current_exception();
    }
  }

  [[nodiscard]] std::vector<data::TokenId> prefix_ids(const GivenContext& given) const {
    auto ids = loaded_.tokenizer.begin_reply(given.prefix.value_or(prefix_));
    const auto fault = fault_of_prefix(ids, options_, loaded_.tokenizer.special());
    if (!fault.empty()) throw base::DataError(lines_.where() + ": " + fault);
    return ids;
  }

  std::optional<Request> next() {
    base::throw_if_stopped();
    const auto most_waiting = static_cast<std::size_t>(8 * limits_.max_rows);
    while (!ready_ && !bad_line_ && asked_.size() < most_waiting) {
      std::optional<std::string> line;
      try {
        line = lines_.next_if_ready();
      } catch (const base::Stopped&) {
        throw;
      } catch (const base::Error&) {
        bad_line_ = std::current_exception();
      }
      if (!line) break;
      take(*line);
    }
    return std::exchange(ready_, std::nullopt);
  }

  /// Shows what has its turn now.
  void done(Replies replies) {
    const auto number = replies.number;
    asked_.at(number).replies = std::move(replies);
    std::vector<Asked> ready;
    for (auto first = asked_.begin(); first != asked_.end() && first->second.replies;
         first = asked_.erase(first))
      ready.push_back(std::move(first->second));
    if (ready.empty()) return;
    if (as_json_) judge(ready);
    std::string answers;
    for (const auto& asked : ready) answers += as_json_ ? json_line(asked) : plain_lines(asked);
    print(answers);
    progress_.advance(ready.size());
  }

  /// How each of their replies stands to its facts, where there is who tells.
  void judge(std::vector<Asked>& ready) const {
    if (judge_ == nullptr) return;
    std::deque<std::string> texts;
    std::vector<ReplyOfPersona> said;
    for (const auto& asked : ready)
      for (const auto& reply : asked.replies.value().best)
        said.push_back({.reply = texts.emplace_back(text_of(reply, loaded_.tokenizer)),
                        .persona = asked.facts});
    auto judged = judge_->judge(said);
    auto next = std::make_move_iterator(judged.begin());
    for (auto& asked : ready) {
      const auto end = next + std::ssize(asked.replies.value().best);
      asked.judged.assign(next, end);
      next = end;
    }
  }

  [[nodiscard]] std::string json_line(const Asked& asked) const {
    const auto& replies = asked.replies.value();
    json::object object;
    object["number"] = replies.number;
    if (!asked.id.is_null()) object["id"] = asked.id;
    json::array best;
    for (const auto& reply : replies.best) best.push_back(reply_json(reply, loaded_.tokenizer));
    for (std::size_t r = 0; r < asked.judged.size(); ++r)
      best[r].as_object()["consistency"] = consistency_json(asked.facts, asked.judged[r]);
    if (options_.replies == 1) {
      for (auto& [key, value] : best.at(0).as_object()) object[key] = std::move(value);
    } else {
      object["replies"] = std::move(best);
    }
    if (limits_.with_draft) object["draft"] = reply_json(replies.draft.value(), loaded_.tokenizer);
    if (limits_.with_attention)
      object["sources"] = sources_json(replies.facts, replies.turns, asked.turns);
    return json::serialize(object) + "\n";
  }

  [[nodiscard]] std::string plain_lines(const Asked& asked) const {
    std::string lines;
    for (const auto& reply : asked.replies.value().best) {
      if (options_.replies > 1) lines += std::to_string(asked.replies.value().number) + "\t";
      lines += one_line(text_of(reply, loaded_.tokenizer)) + "\n";
    }
    return lines;
  }

  LoadedModel& loaded_;
  DecodingOptions options_;
  const std::shared_ptr<const Wording> wording_;
  const std::string prefix_;
  const Reranker reranker_;
  ConsistencyJudge* const judge_;
  const DecodeLimits limits_;
  const bool as_json_;
  LineSource& lines_;
  base::Progress& progress_;

  std::uint64_t last_number_ = 0;
  std::optional<Request> ready_;          ///< read, not yet handed to decode
  std::map<std::uint64_t, Asked> asked_;  ///< not yet answered on standard output
  std::exception_ptr bad_line_;
};

/// --reverse and --mmi-weight: replies are chosen by a second model too.
struct ReverseArguments {
  std::string run;
  double weight = 0.5;
  std::optional<LoadedModel> loaded{};

  void add_to(CLI::App& app) {
    app.add_option("--reverse", run, "run that learned turned dialogues: sorts the replies (MMI)");
    app.add_option("--mmi-weight", weight, "of log p(last turn | reply) in that, in [0, 1]")
        ->check(CLI::Range(0.0, 1.0));
  }

  /// Nothing when no run is given. What is returned needs this.
  Reranker load(const ModelArguments& model, const data::Tokenizer& tokenizer) {
    if (run.empty()) return nullptr;
    loaded = model.load_other(run);
    if (loaded->tokenizer.hash() != tokenizer.hash())
      throw base::UsageError("--reverse " + run + ": has another tokenizer than the model");
    return mmi_reranker(*loaded->model, loaded->batch, loaded->tokenizer, weight);
  }
};

}  // namespace

int run_generate(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter generate",
      "Replies to contexts, one a line, in order. A line is JSON\n"
      "{\"id\", \"turns\": [{\"speaker\", \"text\"} or \"text\", ...],\n"
      "\"personas\": {speaker: [facts]}, \"speaker\": whose facts the reply is made from,\n"
      "\"seed\": of its draws, else one made of --seed and the context's number,\n"
      "\"prefix\": what its reply begins with, else --prefix}\n"
      "or turns separated by tabs. Works as a live pipe.",
      "banter generate runs/chat contexts.jsonl --json\n"
      "printf 'hi\\thello\\thow are you ?\\n' | banter generate runs/chat\n"
      "banter generate runs/chat contexts.jsonl --method beam --beam-size 5 --replies 3\n"
      "banter generate runs/stack contexts.jsonl --draft --json\n"
      "banter generate runs/chat@last contexts.txt --method sample --top-p 0.9 --seed 7\n"
      "banter generate runs/chat contexts.jsonl --method sample --replies 8 --rerank consistency "
      "--nli runs/nli\n"
      "banter generate runs/hred contexts.txt --ensemble runs/seq2seq --ensemble runs/hred@last\n"
      "banter generate runs/chat contexts.txt --prefix 'i think' --stop '!' --block-list "
      "words.txt");
  line.with_config();
  line.with_json();
  ModelArguments model;
  model.add_to(line.app);
  model.add_ensemble_to(line.app);
  std::string file, prefix;
  DecodeLimits limits;
  DecodingFlags flags;
  line.app.add_option("file", file, "contexts, one a line; standard input when missing or -");
  line.app.add_option("--batch", limits.max_rows, "rows that are decoded together")
      ->check(CLI::Range(std::int64_t{1}, kMostRows));
  line.app.add_flag("--attention", limits.with_attention,
                    "what each token looked at; needs --json");
  line.app.add_flag("--draft", limits.with_draft,
                    "the draft decoder's reply too (stack_propagation); needs --json");
  ReverseArguments reverse;
  reverse.add_to(line.app);
  NliArgument nli;
  nli.add_to(line.app,
             "classifier of sentence pairs: chooses by the persona's facts with --rerank "
             "consistency, and judges replies by them in the JSON answer");
  line.app.add_option("--prefix", prefix, "text that every reply begins with");
  flags.add_to(line.app);
  if (!line.parse(arguments)) return 0;
  if (limits.with_attention && !line.common.json)
    throw base::UsageError("--attention is part of the JSON answer: add --json");
  if (limits.with_draft && !line.common.json)
    throw base::UsageError("--draft is part of the JSON answer: add --json");

  if (base::first_bad_utf8(prefix) || (!prefix.empty() && base::is_blank(prefix)))
    throw base::UsageError("--prefix " + base::printable(prefix) +
                           ": must be UTF-8 text that is not blank");

  LineSource lines(file);
  auto loaded = model.load();
  if (limits.with_draft) expect_draft(loaded);
  const auto options = flags.read(loaded.checkpoint, line.common);
  if (!options) return 0;
  if (!reverse.run.empty() && options->replies == 1)
    throw base::UsageError("--reverse chooses among several replies: add --replies");
  if (options->rerank == kConsistency && !reverse.run.empty())
    throw base::UsageError("--reverse and --rerank consistency both choose the reply; give one");
  if (!nli.run.empty() && options->rerank != kConsistency && !line.common.json)
    throw base::UsageError("--nli goes with --rerank consistency or --json");
  const auto judge = nli.load(model);
  auto reranker = reverse.load(model, loaded.tokenizer);
  if (!reranker) reranker = reranker_of(*options, judge.get(), loaded.tokenizer);
  base::Progress progress(
      {.label = "generate", .unit = "replies", .quiet = line.common.quiet || lines.is_terminal()});
  Generator(loaded, *options, prefix, reranker, judge.get(), limits, line.common.json, lines,
            progress)
      .run();
  return 0;
}

}  // namespace banter::models
